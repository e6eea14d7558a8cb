"""Pod level: the workload's service-account token out of the request, wherever the kubelet puts it, and its role."""

from __future__ import annotations

import json

from scenarios import expect
from scenarios.world import Case, World
from volume import TOKENS_KEY, Volume


def tokens_in_secrets(world: World) -> None:
    provide_and_clean_up(world, world.pod_volume("tokens-in-secrets"))


def tokens_in_volume_context(world: World) -> None:
    """Where they are without `serviceAccountTokenInSecrets` (KEP-5538)."""
    volume = world.pod_volume("tokens-in-context")
    volume.attributes, volume.secrets = volume.secrets, {}
    provide_and_clean_up(world, volume)


def provide_and_clean_up(world: World, volume: Volume) -> None:
    bucket = world.cloud.workload_role.bucket
    before = volume.snapshot()

    answer = world.s3cred.provide(volume, *world.role)
    expect.provided(
        world,
        volume,
        answer,
        authenticationLevel="pod",
        credentialSource="pod-token",
        form="web-identity",
        delivery="delegated",
    )
    world.report.equal("the role is the workload's", world.role[1], answer.environment.get("AWS_ROLE_ARN"))
    tokens = json.loads({**volume.attributes, **volume.secrets}[TOKENS_KEY])
    token, expiry = (tokens["sts.amazonaws.com"][key] for key in ("token", "expirationTimestamp"))
    expect.token_delivered(world, token, answer.environment)
    world.report.equal("it expires with the token", expiry, answer.json.get("expiresAt"))

    expect.clients_read(world, bucket, answer.environment)
    driver_bucket = world.cloud.driver_role.bucket
    expect.clients_fail(world, driver_bucket, answer.environment, "of the driver's bucket", "AccessDenied")
    expect.removed(world, volume, before)
    expect.clients_fail(world, bucket, answer.environment, "after cleanup")


CASES: dict[str, Case] = {"tokens in secrets": tokens_in_secrets, "tokens in volumeContext": tokens_in_volume_context}
