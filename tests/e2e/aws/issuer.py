"""An OIDC issuer of Kubernetes service-account tokens, as a cluster's API server is one."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from canaries import Canaries

STS_AUDIENCE = "sts.amazonaws.com"


@dataclass(frozen=True)
class Pod:
    namespace: str
    service_account: str
    name: str
    uid: str

    @property
    def subject(self) -> str:
        return f"system:serviceaccount:{self.namespace}:{self.service_account}"


class Issuer:
    def __init__(self, url: str, canaries: Canaries) -> None:
        self.url = url
        self._canaries = canaries
        self._key_id = "e2e"  # the same for every issuer: a foreign one imitates it
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def jwks(self) -> dict[str, Any]:
        """The public half, as behind the `jwks_uri` of the issuer's discovery document."""
        key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key()))
        return {"keys": [{**key, "kid": self._key_id, "use": "sig", "alg": "RS256"}]}

    def token(self, pod: Pod, *, ttl_seconds: int = 3600, audience: str = STS_AUDIENCE) -> str:
        """A projected token bound to `pod`; a negative `ttl_seconds` makes it expired since then."""
        now = int(time.time())
        issued_at = now + min(0, ttl_seconds) - 60
        claims = {
            "iss": self.url,
            "sub": pod.subject,
            "aud": [audience],
            "iat": issued_at,
            "nbf": issued_at,
            "exp": now + ttl_seconds,
            "jti": str(uuid.uuid4()),
            "kubernetes.io": {
                "namespace": pod.namespace,
                "pod": {"name": pod.name, "uid": pod.uid},
                "serviceaccount": {"name": pod.service_account, "uid": str(uuid.uuid4())},
            },
        }
        token = jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": self._key_id})
        return self._canaries.plant(f"token {claims['jti']} of {pod.subject}", token)
