"""Driver level: the driver's own web identity (IRSA), delegated to the reader of the environment."""

from __future__ import annotations

from pathlib import Path

import environment_lines
from scenarios import expect
from scenarios.world import Case, World


def provide_and_clean_up(world: World) -> None:
    volume = world.driver_volume("driver-web-identity")
    bucket = world.cloud.driver_role.bucket
    before = volume.snapshot()
    driver = world.driver_identity("driver-web-identity")

    answer = world.s3cred.provide(volume, env=driver)
    expect.provided(
        world,
        volume,
        answer,
        authenticationLevel="driver",
        credentialSource="irsa",
        form="web-identity",
        delivery="delegated",
    )
    world.report.equal("the role is the driver's", driver["AWS_ROLE_ARN"], answer.environment.get("AWS_ROLE_ARN"))
    token = Path(driver["AWS_WEB_IDENTITY_TOKEN_FILE"]).read_text()
    expect.token_delivered(world, token, answer.environment)

    expect.clients_read(world, bucket, answer.environment)
    other = world.cloud.user.bucket
    expect.clients_fail(world, other, answer.environment, "of another's bucket", "AccessDenied")

    again = world.s3cred.provide(volume, "--output", "env", env=driver)
    lines = environment_lines.parse(again.run.stdout)
    world.report.equal("`--output env` says the same to a shell", answer.environment, lines)

    expect.removed(world, volume, before)
    expect.clients_fail(world, bucket, answer.environment, "after cleanup")


CASES: dict[str, Case] = {"delegated": provide_and_clean_up}
