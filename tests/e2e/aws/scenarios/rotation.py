"""A republish with a newer token or key is seen by clients that keep the environment of the first publish."""

from __future__ import annotations

from cloud import WORKLOAD_POD
from scenarios import expect
from scenarios.world import Case, World
from volume import with_keys, with_tokens


def rotate_a_token(world: World) -> None:
    bucket = world.cloud.workload_role.bucket
    volume = world.pod_volume("token-rotation", ttl_seconds=600)
    before = volume.snapshot()
    first = world.s3cred.provide(volume, *world.role)
    expect.succeeds(world, first)
    expect.clients_read(world, bucket, first.environment, " with the first token")

    with world.cloud.clock_ahead(minutes=20):
        expect.clients_fail(world, bucket, first.environment, "once the token is expired", "ExpiredToken")
        newer = world.cloud.issuer.token(WORKLOAD_POD)
        volume.secrets = with_tokens(newer)
        second = world.s3cred.provide(volume, *world.role)
        expect.succeeds(world, second, "the republish")
        world.report.equal("the environment stays the same", first.environment, second.environment)
        expect.token_delivered(world, newer, first.environment)
        expect.clients_read(world, bucket, first.environment, " with the newer token")
    expect.removed(world, volume, before)
    expect.clients_fail(world, bucket, first.environment, "after cleanup")


def rotate_a_key(world: World) -> None:
    # A user of its own: the keys of the others stay good.
    user = world.cloud.create_user("tenant-c")
    volume = world.secret_volume("key-rotation", user)
    before = volume.snapshot()
    first = world.s3cred.provide(volume)
    expect.succeeds(world, first)
    expect.clients_read(world, user.bucket, first.environment, " with the first key")

    newer = world.cloud.rotate_access_key(user)
    expect.clients_fail(world, user.bucket, first.environment, "once the key is deleted", "InvalidAccessKeyId")
    volume.secrets = with_keys(newer)
    second = world.s3cred.provide(volume)
    expect.succeeds(world, second, "the republish")
    world.report.equal("the environment stays the same", first.environment, second.environment)
    expect.clients_read(world, user.bucket, first.environment, " with the newer key")
    expect.removed(world, volume, before)
    expect.clients_fail(world, user.bucket, first.environment, "after cleanup")


CASES: dict[str, Case] = {"a token": rotate_a_token, "a key": rotate_a_key}
