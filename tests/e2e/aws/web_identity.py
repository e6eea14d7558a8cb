"""What AssumeRoleWithWebIdentity checks: the token's signature, issuer, audience, expiry; the role's trust policy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, Protocol

import jwt
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.iam.exceptions import NotFoundException
from moto.iam.models import OpenIDConnectProvider, iam_backends

ACTION = "sts:AssumeRoleWithWebIdentity"


class HasNow(Protocol):
    def now(self) -> datetime: ...


class Refusal(Exception):
    """An AWS error answer."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message


class WebIdentityVerifier:
    def __init__(self, keys: Mapping[str, jwt.PyJWKSet], clock: HasNow) -> None:
        """`keys`: the key set of each issuer by its URL; it stands for the fetch of the issuer's `jwks_uri`."""
        self._keys = keys
        self._clock = clock

    def verify(self, role_arn: str, token: str) -> None:
        """Refuses with the codes of STS; which code comes first when several apply is not documented."""
        claims = unverified_claims(token)
        issuer = str(claims.get("iss", ""))
        provider = provider_of(issuer)
        self._check_signature(issuer, token)
        audiences = as_list(claims.get("aud"))
        if not set(audiences) & set(provider.client_id_list):
            raise invalid("Incorrect token audience")
        self._check_expiry(claims)
        check_trust(role_arn, provider, claims, audiences)

    def _check_signature(self, issuer: str, token: str) -> None:
        try:
            key = self._keys[issuer][jwt.get_unverified_header(token).get("kid", "")]
            # Only the signature here: the claims are checked against this server's clock and
            # provider.
            jwt.decode_complete(token, key, algorithms=["RS256"], options=signature_only(verified=True))
        except (KeyError, jwt.InvalidTokenError) as error:
            raise invalid("Couldn't retrieve verification key from your identity provider") from error

    def _check_expiry(self, claims: Mapping[str, Any]) -> None:
        expires_at = datetime.fromtimestamp(claims.get("exp", 0), timezone.utc)
        if self._clock.now() >= expires_at:
            message = f"Token expired: current date/time must be before the expiration date/time {expires_at:%FT%TZ}"
            raise Refusal(400, "ExpiredTokenException", message)


def signature_only(*, verified: bool) -> Any:
    claims = ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")
    return {"verify_signature": verified, **{f"verify_{claim}": False for claim in claims}}


def unverified_claims(token: str) -> dict[str, Any]:
    try:
        return dict(jwt.decode(token, options=signature_only(verified=False)))
    except jwt.InvalidTokenError as error:
        raise invalid("The ID Token provided is not a valid JWT") from error


def provider_of(issuer: str) -> OpenIDConnectProvider:
    name = issuer.removeprefix("https://")
    for provider in iam_backends[DEFAULT_ACCOUNT_ID]["aws"].open_id_providers.values():
        if provider.url == name:
            return provider
    raise invalid(f"No OpenIDConnect provider found in your account for {issuer}")


def check_trust(
    role_arn: str, provider: OpenIDConnectProvider, claims: Mapping[str, Any], audiences: list[str]
) -> None:
    context = {f"{provider.url}:aud": audiences, f"{provider.url}:sub": [str(claims.get("sub", ""))]}
    try:
        role = iam_backends[DEFAULT_ACCOUNT_ID]["aws"].get_role_by_arn(role_arn)
    except NotFoundException:
        raise not_authorized() from None
    policy = json.loads(role.assume_role_policy_document)
    if not any(allows(statement, provider.arn, context) for statement in policy["Statement"]):
        raise not_authorized()


def allows(statement: Mapping[str, Any], provider_arn: str, context: Mapping[str, list[str]]) -> bool:
    conditions = statement.get("Condition", {})
    if set(conditions) - {"StringEquals"}:
        raise NotImplementedError("only StringEquals is evaluated here")
    return (
        statement["Effect"] == "Allow"
        and ACTION in as_list(statement["Action"])
        and statement["Principal"].get("Federated") == provider_arn
        and all(
            set(as_list(expected)) & set(context.get(key, []))
            for key, expected in conditions.get("StringEquals", {}).items()
        )
    )


def as_list(value: Any) -> list[str]:
    return value if isinstance(value, list) else [str(value)]


def invalid(message: str) -> Refusal:
    return Refusal(400, "InvalidIdentityToken", message)


def not_authorized() -> Refusal:
    return Refusal(403, "AccessDenied", f"Not authorized to perform {ACTION}")
