"""What must not work: wrong secrets, expired and foreign tokens, tokens of another service account."""

from __future__ import annotations

from cloud import DRIVER_POD, WORKLOAD_POD
from issuer import Pod
from scenarios import expect
from scenarios.world import Case, World
from volume import Volume

UNAUTHENTICATED = {"UNAUTHENTICATED"}
# STS's own refusals: a token that it does not accept, or one that the role does not trust.
BY_STS = {"PERMISSION_DENIED", "UNAUTHENTICATED"}


def wrong_secret(world: World) -> None:
    bucket = world.cloud.user.bucket
    volume = world.secret_volume("wrong-secret", world.cloud.user)
    before = volume.snapshot()
    wrong = volume.secrets["secret_access_key"][::-1]
    volume.secrets["secret_access_key"] = world.canaries.plant("the wrong secret key", wrong)
    answer = world.s3cred.provide(volume)
    expect.succeeds(world, answer)
    expect.clients_fail(world, bucket, answer.environment, "with it", "SignatureDoesNotMatch")
    expect.removed(world, volume, before)


def expired_token(world: World) -> None:
    refused_by_s3cred(world, world.pod_volume("expired", ttl_seconds=-60))


def other_service_account(world: World) -> None:
    neighbour = Pod(WORKLOAD_POD.namespace, "another", WORKLOAD_POD.name, WORKLOAD_POD.uid)
    refused_by_s3cred(world, world.pod_volume("neighbour", pod=neighbour))


def other_audience(world: World) -> None:
    refused_by_s3cred(world, world.pod_volume("audience", audience="vault"))


def refused_by_s3cred(world: World, volume: Volume) -> None:
    """A fault that is visible without the issuer's key is refused before any file is written."""
    before = volume.snapshot()
    expect.refused(world, world.s3cred.provide(volume, *world.role), UNAUTHENTICATED, "provide")
    expect.refused(world, world.s3cred.explain(volume, *world.role), UNAUTHENTICATED, "explain")
    expect.refused(world, world.s3cred.process(volume, *world.role), UNAUTHENTICATED, "process")
    quiet = world.s3cred.provide(volume, *world.role, trace=False)
    lines = quiet.run.stderr.splitlines()
    world.report.check("stderr has exactly one line for a person", len(lines) == 1 and bool(lines[0]), str(quiet))
    world.report.equal("no file is written", before, volume.snapshot())


def expired_driver_token(world: World) -> None:
    volume = world.driver_volume("expired-driver")
    before = volume.snapshot()
    driver = world.driver_identity("expired-driver", ttl_seconds=-60)
    expect.refused(world, world.s3cred.provide(volume, env=driver), UNAUTHENTICATED, "provide")
    world.report.equal("no file is written", before, volume.snapshot())
    by_hand = {**driver, "AWS_ENDPOINT_URL_STS": world.cloud.endpoint, "AWS_EC2_METADATA_DISABLED": "true"}
    expect.clients_fail(world, world.cloud.driver_role.bucket, by_hand, "with the token itself", "ExpiredToken")


def foreign_issuer(world: World) -> None:
    refused_by_sts(world, world.pod_volume("foreign", issuer=world.cloud.foreign_issuer))


def other_signing_key(world: World) -> None:
    refused_by_sts(world, world.pod_volume("impostor", issuer=world.cloud.impostor))


def refused_by_sts(world: World, volume: Volume) -> None:
    """A fault that only the holder of the issuer's key can find: the exchange fails."""
    before = volume.snapshot()
    answer = world.s3cred.provide(volume, *world.role)
    expect.succeeds(world, answer)
    bucket = world.cloud.workload_role.bucket
    expect.clients_fail(world, bucket, answer.environment, "with it", "InvalidIdentityToken")
    expect.refused(world, world.s3cred.process(volume, *world.role), BY_STS, "process")
    expect.removed(world, volume, before)


def untrusted_driver(world: World) -> None:
    volume = world.driver_volume("untrusted-driver")
    before = volume.snapshot()
    other = Pod(DRIVER_POD.namespace, "not-the-driver", DRIVER_POD.name, DRIVER_POD.uid)
    driver = world.driver_identity("untrusted-driver", pod=other)
    answer = world.s3cred.provide(volume, env=driver)
    expect.succeeds(world, answer)
    expect.clients_fail(world, world.cloud.driver_role.bucket, answer.environment, "with it", "AccessDenied")
    expect.refused(world, world.s3cred.process(volume, env=driver), BY_STS, "process")
    expect.removed(world, volume, before)


CASES: dict[str, Case] = {
    "a wrong secret key": wrong_secret,
    "an expired token": expired_token,
    "a token of another service account": other_service_account,
    "a token for another audience": other_audience,
    "an expired token of the driver": expired_driver_token,
    "a token of a foreign issuer": foreign_issuer,
    "a token signed by another key": other_signing_key,
    "a driver's token that the role does not trust": untrusted_driver,
}
