"""Rust libraries read and write a bucket through the adapters: across a rotation, an outage of STS and the end of both."""

from __future__ import annotations

import json
import select
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import tls_sts
from cloud import REGION
from scenarios.world import Case, World

ANSWER_SECONDS = 150
LIBRARIES = ("aws-sdk", "object_store", "opendal")
# That with kube has a test of its own, with an emulated Kubernetes API.
EXAMPLES = ("read_with_aws_sdk", "read_with_object_store", "read_with_opendal")


class Reader:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, command: str) -> dict[str, Any]:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()
        if not select.select([self._process.stdout], [], [], ANSWER_SECONDS)[0]:
            raise TimeoutError(f"the reader does not answer {command!r}")
        answer: dict[str, Any] = json.loads(self._process.stdout.readline() or "{}")
        return answer


@contextmanager
def reader(world: World, name: str, environment: dict[str, str]) -> Iterator[Reader]:
    volume = world.pod_volume(name, ttl_seconds=86_400)
    request = volume.folder / "request.json"
    request.write_text(json.dumps(volume.publish_request()))
    role, bucket = world.cloud.workload_role.arn, world.cloud.workload_role.bucket.name
    assert world.reader, "the suite selects these cases only where the reader was built"
    with open(volume.folder / "reader.log", "w") as stderr:
        process = subprocess.Popen(
            [str(world.reader / "s3-credential-seams-reader"), str(request), role, world.cloud.endpoint, bucket, REGION],
            env={**world.s3cred.base_environment, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
    try:
        yield Reader(process)
    finally:
        process.kill()
        process.communicate()
        world.report.equal("the log of the reader is empty", "", (volume.folder / "reader.log").read_text())


def all_read(world: World, reader: Reader, when: str) -> None:
    name = when.replace(" ", "-")
    world.report.equal(f"each library writes and reads {when}", dict.fromkeys(LIBRARIES, name), reader.ask(f"use {name}"))


def rotation_and_outage(world: World) -> None:
    world.cloud.allow_writes(world.cloud.workload_role)
    folder = world.scratch / "seams-sts"
    folder.mkdir()
    with tls_sts.serve(world.cloud.endpoint, folder) as driver:
        with_reader = reader(world, "seams", driver)
        process = with_reader.__enter__()
        all_read(world, process, "at first")
        first = process.ask("keys")
        world.report.check("the adapters say when the keys expire", bool(first.get("expiresAt")), str(first))

        process.ask("ahead 3400")
        second = process.ask("refreshed")
        world.report.check("a rotation brings other keys", second["accessKeyId"] != first["accessKeyId"], str(second))
        all_read(world, process, "after a rotation")
    try:
        # STS is gone, S3 is not. The server's clock is not ahead: these keys are good for another
        # 200 seconds of the reader.
        process.ask("ahead 150")
        third = process.ask("refreshed")
        world.report.check("the failed refresh is reported", bool(third.get("lastError")), str(third))
        world.report.equal("an outage takes no keys away", second["accessKeyId"], third["accessKeyId"])
        all_read(world, process, "during an outage of STS")
        process.ask("ahead 100")
        answers = process.ask("use after-the-expiry")
        for library in LIBRARIES:
            world.report.check(
                f"{library} is refused once the keys have expired in the outage",
                str(answers.get(library)).startswith("error:"),
                str(answers),
            )
    finally:
        with_reader.__exit__(None, None, None)


def refused(world: World) -> None:
    """STS refuses the token: each library reports it, and none goes on without a signature or with another identity."""
    folder = world.scratch / "seams-refused"
    folder.mkdir()
    with tls_sts.serve(world.cloud.endpoint, folder) as driver:
        stranger = {**driver, "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "another" * 6}
        with reader(world, "seams-refused", stranger) as process, world.cloud.clock_ahead(minutes=60 * 48):
            answers = process.ask("use refused")
    for library in LIBRARIES:
        # OpenDAL prints no causes of a failed signature.
        reason = "error:" if library == "opendal" else "has expired"
        world.report.check(f"{library} reports the refusal", reason in str(answers.get(library)), str(answers))


def examples(world: World) -> None:
    """Each example reads a bucket with the driver's web identity, and no other."""
    folder = world.scratch / "seams-examples"
    folder.mkdir()
    assert world.reader, "the suite selects these cases only where the examples were built"
    bucket = world.cloud.driver_role.bucket
    with tls_sts.serve(world.cloud.endpoint, folder) as driver:
        environment = {**world.s3cred.base_environment, **driver, **world.driver_identity("seams-examples")}
        for example in EXAMPLES:
            ended = subprocess.run(
                [world.reader / "examples" / example, bucket.name, bucket.key, world.cloud.endpoint],
                env={**environment, "AWS_REGION": REGION},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=ANSWER_SECONDS,
            )
            world.report.equal(f"{example} prints the object", bucket.content.rstrip("\n"), ended.stdout.rstrip("\n"))
            world.report.check(
                f"{example} reports when the keys expire", "the keys expire at " in ended.stderr, ended.stderr
            )


CASES: dict[str, Case] = {
    "examples": examples,
    "rotation and outage": rotation_and_outage,
    "refused": refused,
}
