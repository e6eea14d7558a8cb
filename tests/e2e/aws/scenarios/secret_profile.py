"""Secret level: an IAM user's keys out of the request's secrets, delivered as a profile, or plainly where asked."""

from __future__ import annotations

from scenarios import expect
from scenarios.world import Case, World


def provide_and_clean_up(world: World) -> None:
    user = world.cloud.user
    volume = world.secret_volume("secret-profile", user)
    before = volume.snapshot()

    answer = world.s3cred.provide(volume)
    expect.provided(
        world,
        volume,
        answer,
        authenticationLevel="secret",
        credentialSource="secret-request",
        form="keys",
        delivery="profile",
    )
    world.report.check("the environment names a profile", bool(answer.environment.get("AWS_PROFILE")), str(answer))
    in_the_environment = user.secret_access_key in "\n".join(answer.environment.values())
    world.report.check("the environment holds no key", not in_the_environment, str(answer))

    expect.clients_read(world, user.bucket, answer.environment)
    expect.removed(world, volume, before)
    expect.clients_fail(world, user.bucket, answer.environment, "after cleanup")


def plain_variables(world: World) -> None:
    user = world.cloud.user
    volume = world.secret_volume("secret-environment", user)
    before = volume.snapshot()
    masked = world.s3cred.provide(volume, "--delivery", "environment")
    expect.succeeds(world, masked)
    world.report.check("the secret key is masked", user.secret_access_key not in masked.run.stdout, str(masked))
    world.report.equal("no file is written", before, volume.snapshot())

    revealed = world.s3cred.provide(volume, "--delivery", "environment", "--reveal")
    expect.succeeds(world, revealed, "provide --reveal")
    expect.clients_read(world, user.bucket, revealed.environment)
    expect.succeeds(world, world.s3cred.cleanup(volume), "cleanup")
    world.report.equal("the write path is as it was before", before, volume.snapshot())


CASES: dict[str, Case] = {"profile": provide_and_clean_up, "environment": plain_variables}
