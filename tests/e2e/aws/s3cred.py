"""Runs the binary as a driver would: with the driver's environment, and a request on standard input."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import processes
from canaries import Canaries
from cloud import REGION
from processes import Finished
from volume import Volume


@dataclass(frozen=True)
class Answer:
    run: Finished

    @property
    def status(self) -> int:
        return self.run.status

    @property
    def json(self) -> dict[str, Any]:
        """The object on stdout; an empty one where stdout is not exactly one object."""
        try:
            value = json.loads(self.run.stdout)
        except json.JSONDecodeError:
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def environment(self) -> dict[str, str]:
        environment: dict[str, str] = self.json.get("environment", {})
        return environment

    @property
    def error(self) -> dict[str, Any]:
        error: dict[str, Any] = self.json.get("error", {})
        return error

    def __str__(self) -> str:
        return str(self.run)


class S3cred:
    def __init__(self, binary: Path, sts: str, home: Path, canaries: Canaries) -> None:
        self.binary = binary
        # Every run so far, for the search for canaries.
        self.runs: list[Finished] = []
        self._canaries = canaries
        home.mkdir()
        # No AWS_ENDPOINT_URL_S3: the credential provider has no business with S3.
        self.base_environment = {
            "HOME": str(home),
            "AWS_ENDPOINT_URL_STS": sts,
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def provide(
        self,
        volume: Volume,
        *flags: str,
        consumer: str = "sdk",
        env: Mapping[str, str] | None = None,
        trace: bool = True,
    ) -> Answer:
        places = ["--write-path", str(volume.write_path), "--state-path", str(volume.state_path)]
        flags = ("--consumer", consumer, *places, *flags)
        return self._run("provide", volume.publish_request(), *flags, env=env, trace=trace)

    def cleanup(self, volume: Volume) -> Answer:
        places = ["--write-path", str(volume.write_path), "--state-path", str(volume.state_path)]
        return self._run("cleanup", volume.unpublish_request(), *places, "--output", "json")

    def explain(self, volume: Volume, *flags: str) -> Answer:
        return self._run("explain", volume.publish_request(), "--output", "json", *flags)

    def process(self, volume: Volume, *flags: str, env: Mapping[str, str] | None = None) -> Answer:
        answer = self._run("process", volume.publish_request(), *flags, env=env)
        for name in ("SecretAccessKey", "SessionToken"):
            if answer.json.get(name):
                self._canaries.plant(f"{name} of {answer.json.get('AccessKeyId')}", answer.json[name])
        return answer

    def _run(
        self,
        command: str,
        request: dict[str, Any],
        *flags: str,
        env: Mapping[str, str] | None = None,
        trace: bool = True,
    ) -> Answer:
        environment = {**self.base_environment, **({"RUST_LOG": "trace"} if trace else {}), **(env or {})}
        # The umask of a hardened node: the modes of the files must not depend on it.
        run = processes.run(
            [str(self.binary), command, "--request", "-", *flags], environment, stdin=json.dumps(request), umask=0o077
        )
        self.runs.append(run)
        return Answer(run)
