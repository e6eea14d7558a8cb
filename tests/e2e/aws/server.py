"""moto as STS, IAM and S3 with signatures enforced, behind the gate; a process of its own.

Prints one JSON line when it listens: its URL and an administrator's keys. Then it obeys the lines on its standard input
(`clock SECONDS` sets how far its clock is ahead) and answers each with `ok`. It ends when its standard input does, so
it never outlives the suite.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
from pathlib import Path

import jwt
import moto.sts.urls
from moto import settings
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.iam.models import iam_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.sts.responses import TokenResponse
from werkzeug.serving import make_server

from gate import Clock, Gate
from web_identity import WebIdentityVerifier

ADMINISTRATOR_POLICY = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
)


class UnsignedWebIdentity(TokenResponse):
    """moto that enforces signatures wants one on this call too, which never has one; the gate has checked its token."""

    def _authenticate_and_authorize_normal_action(self, resource: str = "*") -> None:
        if self._get_action() != "AssumeRoleWithWebIdentity":
            super()._authenticate_and_authorize_normal_action(resource)


def create_administrator() -> dict[str, str]:
    iam = iam_backends[DEFAULT_ACCOUNT_ID]["aws"]
    iam.create_user(region_name="us-east-1", user_name="administrator")
    iam.put_user_policy("administrator", "everything", ADMINISTRATOR_POLICY)
    key = iam.create_access_key("administrator")
    return {"accessKeyId": key.access_key_id, "secretAccessKey": key.secret_access_key}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--keys", required=True, type=Path, help="JSON: the JWKS of each issuer by its URL")
    options = parser.parse_args()

    # Enforced from the first request on.
    settings.INITIAL_NO_AUTH_ACTION_COUNT = 0
    moto.sts.urls.url_paths["{0}/$"] = UnsignedWebIdentity.dispatch

    clock = Clock()
    keys = {url: jwt.PyJWKSet.from_dict(jwks) for url, jwks in json.loads(options.keys.read_text()).items()}
    gate = Gate(DomainDispatcherApplication(create_backend_app), WebIdentityVerifier(keys, clock), clock)
    server = make_server("127.0.0.1", 0, gate, threaded=True, request_handler=MotoRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    answer({"endpoint": f"http://127.0.0.1:{server.server_port}", "administrator": create_administrator()})

    for line in sys.stdin:
        command, seconds = line.split()
        if command != "clock":
            sys.exit(f"unknown command {command}")
        clock.ahead_seconds = int(seconds)
        answer("ok")
    server.shutdown()


def answer(value: object) -> None:
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    main()
