"""The server refuses what AWS refuses: without this, the later checks would be void."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from cloud import DRIVER_POD, REGION, WORKLOAD_POD, Bucket
from scenarios.world import Case, World


def anonymous_requests_are_refused(world: World) -> None:
    bucket = world.cloud.workload_role.bucket
    for path in ("", bucket.name, f"{bucket.name}/{bucket.key}"):
        world.report.equal(f"an anonymous GET of /{path} is forbidden", 403, status(f"{world.cloud.endpoint}/{path}"))


def tokens_are_checked(world: World) -> None:
    cloud, pod = world.cloud, WORKLOAD_POD
    tokens = {
        "what is no JWT": ("nonsense", "InvalidIdentityToken"),
        "a token signed by another key": (cloud.impostor.token(pod), "InvalidIdentityToken"),
        "a token of a foreign issuer": (cloud.foreign_issuer.token(pod), "InvalidIdentityToken"),
        "a token for another audience": (cloud.issuer.token(pod, audience="vault"), "InvalidIdentityToken"),
        "a token of another service account": (cloud.issuer.token(DRIVER_POD), "AccessDenied"),
        "an expired token": (cloud.issuer.token(pod, ttl_seconds=-60), "ExpiredTokenException"),
    }
    for what, (token, code) in tokens.items():
        world.report.equal(f"STS refuses {what}", code, error_code(assume, world, token))
    absent = cloud.workload_role.arn + "-absent"
    good = cloud.issuer.token(pod)
    world.report.equal("STS refuses a role that is not", "AccessDenied", error_code(assume, world, good, absent))


def keys_are_checked(world: World) -> None:
    bucket = world.cloud.workload_role.bucket
    keys = assume(world, world.cloud.issuer.token(WORKLOAD_POD))["Credentials"]
    good = (keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    world.report.equal("S3 accepts the keys that STS issues", None, error_code(read, world, bucket, *good))
    others = {
        "another bucket": (world.cloud.user.bucket, good, "AccessDenied"),
        "a wrong secret": (bucket, (good[0], "x" * 40, good[2]), "SignatureDoesNotMatch"),
        "a wrong session token": (bucket, (*good[:2], "x" * 40), "InvalidToken"),
    }
    for what, (asked, key, code) in others.items():
        world.report.equal(f"S3 refuses {what}", code, error_code(read, world, asked, *key))
    with world.cloud.clock_ahead(minutes=61):
        late = error_code(read, world, bucket, *good)
    world.report.equal("S3 refuses temporary keys after their hour", "ExpiredToken", late)


def assume(world: World, token: str, role: str = "") -> Any:
    sts = boto3.client(
        "sts", endpoint_url=world.cloud.endpoint, region_name=REGION, config=Config(signature_version=UNSIGNED)
    )
    arn = role or world.cloud.workload_role.arn
    return sts.assume_role_with_web_identity(RoleArn=arn, RoleSessionName="e2e", WebIdentityToken=token)


def read(world: World, bucket: Bucket, key_id: str, secret: str, session_token: str) -> None:
    s3 = boto3.Session(key_id, secret, session_token, REGION).client("s3", endpoint_url=world.cloud.endpoint)
    s3.get_object(Bucket=bucket.name, Key=bucket.key)


def error_code(call: Callable[..., Any], *arguments: Any) -> str | None:
    try:
        call(*arguments)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return None


def status(url: str) -> int:
    try:
        with urllib.request.urlopen(url) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


CASES: dict[str, Case] = {
    "anonymous requests": anonymous_requests_are_refused,
    "tokens": tokens_are_checked,
    "keys": keys_are_checked,
}
