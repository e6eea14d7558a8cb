"""The checks that several scenarios share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cloud import REGION, Bucket
from s3cred import Answer
from scenarios.world import World
from volume import Volume, mode

NEUTRALISED = ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")


def provided(world: World, volume: Volume, answer: Answer, **expected: Any) -> None:
    """What `provide` printed and wrote is right: `expected` are fields of its object."""
    report = world.report
    succeeds(world, answer)
    report.equal(f"it says {', '.join(expected.values())}", expected, {key: answer.json.get(key) for key in expected})
    report.equal("it names the region", REGION, (answer.json.get("region") or {}).get("name"))
    shuts_out_the_ambient(world, answer, uses_a_profile=expected["delivery"] == "profile")
    files_are_restricted(world, volume, answer)
    leaks = world.canaries.found_in("\n".join(content_of(volume.state_path)))
    report.equal("the state path holds no secret", [], leaks)


def succeeds(world: World, answer: Answer, what: str = "provide") -> None:
    world.report.require(f"{what} succeeds", answer.status == 0, str(answer))


def token_delivered(world: World, token: str, environment: Mapping[str, str]) -> None:
    file = Path(environment.get("AWS_WEB_IDENTITY_TOKEN_FILE", ""))
    # A trailing newline would be part of the token for Mountpoint.
    holds = file.is_file() and file.read_text() == token
    world.report.check("the token file holds the token only", holds, f"{file}")


def shuts_out_the_ambient(world: World, answer: Answer, *, uses_a_profile: bool) -> None:
    environment = answer.environment
    world.report.equal("the environment names the region", REGION, environment.get("AWS_DEFAULT_REGION"))
    # Without it the clients would ask this machine's network for a role.
    disabled = environment.get("AWS_EC2_METADATA_DISABLED") == "true"
    world.report.require("the environment disables IMDS", disabled, str(environment))
    existing = {name: Path(environment.get(name, "")).is_file() for name in NEUTRALISED}
    sentence = "are delivered" if uses_a_profile else "are neutralised"
    named = all(name in environment for name in NEUTRALISED)
    world.report.check(
        f"the config and credentials files {sentence}",
        named and set(existing.values()) == {uses_a_profile},
        f"in the environment: {environment}\nexisting: {existing}",
    )


def files_are_restricted(world: World, volume: Volume, answer: Answer) -> None:
    listed = {file["path"]: file["mode"] for file in answer.json.get("files", [])}
    files = [path for path in volume.write_path.rglob("*") if not path.is_dir() and path.name != "bystander"]
    world.report.equal("`files` is what was written", {str(path): mode(path) for path in files}, listed)
    modes = volume.written()
    restricted = all(value == ("0750" if name.endswith("/") else "0640") for name, value in modes.items())
    world.report.check("files are 0640 in folders of 0750, whatever the umask", bool(modes) and restricted, str(modes))


def clients_read(world: World, bucket: Bucket, environment: Mapping[str, str], when: str = "") -> None:
    for reading in world.clients.read(bucket, environment):
        world.report.check(f"{reading.client} lists the bucket{when}", reading.listed == [bucket.key], str(reading))
        world.report.check(f"{reading.client} reads the object{when}", reading.content == bucket.content, str(reading))


def clients_fail(world: World, bucket: Bucket, environment: Mapping[str, str], when: str, reason: str = "") -> None:
    """Both fail, with `reason` (an AWS error code) in what they say."""
    for reading in world.clients.read(bucket, environment):
        sentence = f"{reading.client} cannot read {when}{f' ({reason})' if reason else ''}"
        world.report.check(sentence, reading.failed and reason in reading.errors, str(reading))


def removed(world: World, volume: Volume, before: Mapping[str, Any]) -> None:
    """`cleanup` removes only what the lease had."""
    files = {str(volume.write_path / name) for name in volume.written() if not name.endswith("/")}
    answer = world.s3cred.cleanup(volume)
    succeeds(world, answer, "cleanup")
    named = set(answer.json.get("removed", []))
    world.report.check("cleanup names every file it removed", bool(files) and files <= named, f"{files}\n{answer}")
    world.report.equal("no holder remains", 0, answer.json.get("remainingHolders"))
    world.report.equal("the write path is as it was before", before, volume.snapshot())


def refused(world: World, answer: Answer, codes: set[str], what: str) -> None:
    """Exit status 4, and the error object of the contract."""
    error = answer.error
    holds = (
        answer.status == 4
        and error.get("code") in codes
        and error.get("retryable") is False
        and all(isinstance(error.get(key), str) and error[key] for key in ("kind", "message", "help"))
        and isinstance(error.get("attempts"), list)
    )
    world.report.check(f"{what} ends with status 4 and {' or '.join(sorted(codes))}", holds, str(answer))


def content_of(folder: Path) -> list[str]:
    return [path.read_text(errors="replace") for path in sorted(folder.rglob("*")) if path.is_file()]
