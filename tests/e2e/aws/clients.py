"""The AWS CLI and boto3, started with exactly the environment that `provide` printed."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import processes
from cloud import Bucket
from processes import Finished

HERE = Path(__file__).resolve().parent
AWS_CLI = str(Path(sys.executable).with_name("aws"))


@dataclass(frozen=True)
class Reading:
    """What a client listed and read, or None where it failed."""

    client: str
    listed: list[str] | None
    content: str | None
    runs: tuple[Finished, ...]

    @property
    def failed(self) -> bool:
        """Neither listed nor read: half an access is none of both."""
        return self.listed is None and self.content is None

    @property
    def errors(self) -> str:
        return "\n".join(run.stderr for run in self.runs)

    def __str__(self) -> str:
        return "\n".join(map(str, self.runs))


class Clients:
    def __init__(self, endpoint: str, homes: Path) -> None:
        self._endpoint = endpoint
        self._homes = homes
        homes.mkdir()

    def read(self, bucket: Bucket, environment: Mapping[str, str]) -> list[Reading]:
        """A reading by each client, each from a fresh process."""
        if environment.get("AWS_EC2_METADATA_DISABLED") != "true":
            # The clients would look for a role of this machine, beyond loopback.
            raise ValueError(f"this environment does not disable IMDS: {sorted(environment)}")
        return [self._aws_cli(bucket, environment), self._boto3(bucket, environment)]

    def access_keys(self, environment: Mapping[str, str]) -> list[tuple[str, str | None, Finished]]:
        """The access key that each client finds, the CLI's masked, each from a fresh process and without any call of a service."""
        by_cli = self._run([sys.executable, AWS_CLI, "configure", "list"], environment)
        rows = [line.split() for line in by_cli.stdout.splitlines()]
        masked = next((row[1] for row in rows if row[:1] == ["access_key"] and "container-role" in row), None)
        by_boto3 = self._run([sys.executable, str(HERE / "read_keys.py")], environment)
        return [
            ("the AWS CLI", masked, by_cli),
            ("boto3", by_boto3.stdout.strip() if by_boto3.status == 0 else None, by_boto3),
        ]

    def _aws_cli(self, bucket: Bucket, environment: Mapping[str, str]) -> Reading:
        listing = self._run([sys.executable, AWS_CLI, "s3api", "list-objects-v2", "--bucket", bucket.name], environment)
        listed = [entry["Key"] for entry in json.loads(listing.stdout)["Contents"]] if listing.status == 0 else None
        copy = [sys.executable, AWS_CLI, "s3", "cp", f"s3://{bucket.name}/{bucket.key}", "-"]
        copying = self._run(copy, environment)
        return Reading("the AWS CLI", listed, copying.stdout if copying.status == 0 else None, (listing, copying))

    def _boto3(self, bucket: Bucket, environment: Mapping[str, str]) -> Reading:
        run = self._run([sys.executable, str(HERE / "read_bucket.py"), bucket.name, bucket.key], environment)
        result = json.loads(run.stdout) if run.status == 0 else {"listed": None, "content": None}
        return Reading("boto3", result["listed"], result["content"], (run,))

    def _run(self, command: list[str], environment: Mapping[str, str]) -> Finished:
        # A new home for every process: the CLI caches assumed roles there, and without HOME it
        # would take the account's own, so that a client could live on what an earlier one had been
        # given.
        with tempfile.TemporaryDirectory(dir=self._homes) as home:
            least = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": home, "AWS_ENDPOINT_URL_S3": self._endpoint}
            return processes.run(command, {**least, **environment})
