"""What AWS checks and moto does not: anonymous requests, web-identity tokens, and the expiry of temporary keys."""

from __future__ import annotations

import io
import re
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any
from xml.sax.saxutils import escape

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.sts.models import sts_backends
from werkzeug.wrappers import Request, Response

from web_identity import Refusal, WebIdentityVerifier

# https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-auth-using-authorization-header.html
CREDENTIAL = re.compile(r"Credential=(?P<key_id>[^/,]+)/\d{8}/[^/]+/(?P<service>[^/]+)/aws4_request")


@dataclass
class Clock:
    """The server's time, which a scenario moves ahead to see what expires."""

    ahead_seconds: int = 0

    def now(self) -> datetime:
        return datetime.now(timezone.utc) + timedelta(seconds=self.ahead_seconds)


class Gate:
    """WSGI middleware: refuses, or lets moto answer."""

    def __init__(self, moto: Any, verifier: WebIdentityVerifier, clock: Clock) -> None:
        self._moto = moto
        self._verifier = verifier
        self._clock = clock

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        request = Request(environ)
        signature = CREDENTIAL.search(request.headers.get("Authorization", ""))
        try:
            if signature:
                self._refuse_expired(signature["key_id"], signature["service"])
            else:
                self._refuse_anonymous(request)
        except Refusal as refusal:
            print(f"refused {request.method} {request.path}: {refusal}", file=sys.stderr, flush=True)
            return refusal_response(refusal, signature["service"] if signature else service_of(request))(
                environ, start_response
            )
        return self._moto(environ, start_response)

    def _refuse_expired(self, key_id: str, service: str) -> None:
        session = sts_backends[DEFAULT_ACCOUNT_ID]["aws"].get_assumed_role_from_access_key(key_id)
        if session and self._clock.now() >= session.expiration.replace(tzinfo=timezone.utc):
            status = 400 if service == "s3" else 403
            raise Refusal(status, "ExpiredToken", "The security token included in the request is expired")

    def _refuse_anonymous(self, request: Request) -> None:
        form = form_of(request)
        if form.get("Action") != "AssumeRoleWithWebIdentity":
            raise Refusal(403, "AccessDenied", "Access Denied")
        self._verifier.verify(form.get("RoleArn", ""), form.get("WebIdentityToken", ""))


def form_of(request: Request) -> dict[str, str]:
    body = request.get_data(parse_form_data=False)
    # moto reads the body again.
    request.environ["wsgi.input"] = io.BytesIO(body)
    return Request({**request.environ, "wsgi.input": io.BytesIO(body)}).form.to_dict()


def service_of(request: Request) -> str:
    return "sts" if "Action" in form_of(request) else "s3"


def refusal_response(refusal: Refusal, service: str) -> Response:
    error = f"<Code>{refusal.code}</Code><Message>{escape(refusal.message)}</Message>"
    if service == "s3":
        body = f"<Error>{error}<RequestId>e2e</RequestId></Error>"
    else:
        namespace = "https://sts.amazonaws.com/doc/2011-06-15/"
        error = f"<Error><Type>Sender</Type>{error}</Error>"
        body = f'<ErrorResponse xmlns="{namespace}">{error}<RequestId>e2e</RequestId></ErrorResponse>'
    return Response(f'<?xml version="1.0" encoding="UTF-8"?>\n{body}', refusal.status, content_type="text/xml")
