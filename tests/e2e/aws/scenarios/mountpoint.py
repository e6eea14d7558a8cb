"""Mountpoint itself reads the bucket through each delivery, and has no access once the volume is cleaned up."""

from __future__ import annotations

from dataclasses import replace

import tls_sts
from cloud import WORKLOAD_POD, Bucket
from mounts import Mount, Mounts
from scenarios import expect
from scenarios.world import Case, World
from serving import Serving
from volume import with_tokens


def mounts_of(world: World) -> Mounts:
    assert world.mounts, "the suite selects these cases only where there is a Mountpoint"
    return world.mounts


def reads(world: World, mount: Mount, bucket: Bucket, when: str = "") -> None:
    world.report.check(f"Mountpoint reads the object{when}", mount.read(bucket) == bucket.content, str(mount))


def profile(world: World) -> None:
    user = world.cloud.user
    volume = world.secret_volume("mount-profile", user)
    before = volume.snapshot()
    answer = world.s3cred.provide(volume, consumer="mountpoint")
    expect.succeeds(world, answer)
    with mounts_of(world).mount(user.bucket, answer.environment) as mount:
        reads(world, mount, user.bucket)
        again = world.s3cred.provide(volume, consumer="mountpoint")
        world.report.equal("a republish keeps the environment", answer.environment, again.environment)
        reads(world, mount, user.bucket, " after a republish")
    expect.removed(world, volume, before)
    nothing_after_cleanup(world, user.bucket, answer.environment)


def wrong_secret(world: World) -> None:
    user = replace(world.cloud.user, secret_access_key="wrong" * 8)
    volume = world.secret_volume("mount-wrong-secret", user)
    answer = world.s3cred.provide(volume, consumer="mountpoint")
    expect.succeeds(world, answer)
    with mounts_of(world).mount(user.bucket, answer.environment) as mount:
        world.report.equal("Mountpoint cannot read with a wrong secret", None, mount.read(user.bucket))
    expect.succeeds(world, world.s3cred.cleanup(volume), "cleanup")


def web_identity(world: World) -> None:
    bucket = world.cloud.workload_role.bucket
    volume = world.pod_volume("mount-web-identity")
    before = volume.snapshot()
    with tls_sts.serve(world.cloud.endpoint, volume.folder) as driver:
        answer = world.s3cred.provide(volume, *world.role, consumer="mountpoint", env=driver)
        expect.succeeds(world, answer)
        world.report.equal("it is delegated", "delegated", answer.json.get("delivery"))
        with mounts_of(world).mount(bucket, answer.environment) as mount:
            reads(world, mount, bucket)
            volume.secrets = with_tokens(world.cloud.issuer.token(WORKLOAD_POD, ttl_seconds=7200))
            again = world.s3cred.provide(volume, *world.role, consumer="mountpoint", env=driver)
            world.report.equal("a republish changes no variable", answer.environment, again.environment)
            reads(world, mount, bucket, " after a republish with a newer token")
            world.report.equal(
                "Mountpoint cannot read the driver's bucket", None, read_elsewhere(world, answer.environment)
            )
        expect.removed(world, volume, before)
        nothing_after_cleanup(world, bucket, answer.environment)


def read_elsewhere(world: World, environment: dict[str, str]) -> str | None:
    bucket = world.cloud.driver_role.bucket
    with mounts_of(world).mount(bucket, environment) as mount:
        return mount.read(bucket)


def endpoint(world: World) -> None:
    bucket = world.cloud.workload_role.bucket
    volume = world.pod_volume("mount-endpoint")
    before = volume.snapshot()
    flags = ["--delivery", "endpoint", "--mount-kind", "systemd", *world.role]
    with Serving.start(world.s3cred.binary, volume, world.s3cred.base_environment, *flags) as serving:
        environment = serving.answer().get("environment", {})
        world.report.require("the environment names the endpoint", "AWS_CONTAINER_CREDENTIALS_FULL_URI" in environment)
        with mounts_of(world).mount(bucket, environment) as mount:
            reads(world, mount, bucket)
            volume.secrets = with_tokens(world.cloud.issuer.token(WORKLOAD_POD, ttl_seconds=7200))
            again = serving.republish(volume)
            world.report.equal("a republish changes no variable", environment, again.get("environment"))
            reads(world, mount, bucket, " after a republish with a newer token")
    world.report.equal("after SIGTERM the write path is as it was before", before, volume.snapshot())
    nothing_after_cleanup(world, bucket, environment)


def nothing_after_cleanup(world: World, bucket: Bucket, environment: dict[str, str]) -> None:
    with mounts_of(world).mount(bucket, environment) as mount:
        world.report.equal("Mountpoint cannot read after the cleanup", None, mount.read(bucket))


CASES: dict[str, Case] = {
    "profile": profile,
    "wrong secret": wrong_secret,
    "web identity": web_identity,
    "endpoint": endpoint,
}
