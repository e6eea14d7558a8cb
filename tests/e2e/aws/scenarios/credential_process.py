"""`s3cred process` as a profile's `credential_process`, at every level."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from datetime import datetime, timezone

from cloud import Bucket
from s3cred import Answer
from scenarios import expect
from scenarios.world import Case, World
from volume import Volume


def driver_level(world: World) -> None:
    volume, bucket = world.driver_volume("process-driver"), world.cloud.driver_role.bucket
    driver = world.driver_identity("process-driver")
    temporary_keys(world, world.s3cred.process(volume, env=driver), bucket)
    clients_run_it(world, volume, bucket, env=driver)


def pod_level(world: World) -> None:
    volume, bucket = world.pod_volume("process-pod"), world.cloud.workload_role.bucket
    temporary_keys(world, world.s3cred.process(volume, *world.role), bucket)
    clients_run_it(world, volume, bucket, *world.role)


def secret_level(world: World) -> None:
    user = world.cloud.user
    volume = world.secret_volume("process-secret", user)
    answer = world.s3cred.process(volume)
    keys = {"Version": 1, "AccessKeyId": user.access_key_id, "SecretAccessKey": user.secret_access_key}
    given = {key: value for key, value in answer.json.items() if value is not None}
    world.report.check("it prints the Secret's keys, with no expiry", given == keys, str(answer))
    clients_run_it(world, volume, user.bucket)


def temporary_keys(world: World, answer: Answer, bucket: Bucket) -> None:
    keys = answer.json
    complete = all(keys.get(key) for key in ("AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"))
    world.report.require("it prints temporary keys", keys.get("Version") == 1 and complete, str(answer))
    left = datetime.fromisoformat(keys["Expiration"].replace("Z", "+00:00")) - datetime.now(timezone.utc)
    world.report.check("their expiry is within STS's hour", 0 < left.total_seconds() <= 3600, keys["Expiration"])
    environment = {
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"],
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    expect.clients_read(world, bucket, environment, " with the keys themselves")
    with world.cloud.clock_ahead(minutes=61):
        expect.clients_fail(world, bucket, environment, "an hour later", "ExpiredToken")


def clients_run_it(
    world: World, volume: Volume, bucket: Bucket, *flags: str, env: Mapping[str, str] | None = None
) -> None:
    """The driver's environment is the command's own, not the client's."""
    request, config = volume.folder / "request.json", volume.folder / "config"
    request.write_text(json.dumps(volume.publish_request()))
    variables = [f"{name}={value}" for name, value in {**world.s3cred.base_environment, **(env or {})}.items()]
    command = ["/usr/bin/env", "-i", *variables, str(world.s3cred.binary), "process", "--request", str(request), *flags]
    config.write_text(f"[profile e2e]\ncredential_process = {shlex.join(command)}\n")

    before = volume.snapshot()
    profile = {"AWS_CONFIG_FILE": str(config), "AWS_PROFILE": "e2e", "AWS_EC2_METADATA_DISABLED": "true"}
    expect.clients_read(world, bucket, profile)
    world.report.equal("no file is written", before, volume.snapshot())


CASES: dict[str, Case] = {"driver level": driver_level, "pod level": pod_level, "secret level": secret_level}
