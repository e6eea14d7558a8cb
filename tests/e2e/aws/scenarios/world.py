"""What every scenario has at hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from canaries import Canaries
from clients import Clients
from cloud import DRIVER_POD, WORKLOAD_POD, Cloud, User
from issuer import Issuer, Pod
from report import Report
from mounts import Mounts
from s3cred import S3cred
from volume import Volume, with_keys, with_tokens


@dataclass(frozen=True)
class World:
    report: Report
    cloud: Cloud
    canaries: Canaries
    clients: Clients
    s3cred: S3cred
    scratch: Path
    # Only where a Mountpoint was built.
    mounts: Mounts | None = None
    # The folder with the program of `adapters/reader` and the examples, where they were built.
    reader: Path | None = None

    def driver_volume(self, name: str) -> Volume:
        # No region among the mount options: the driver's own environment has it.
        return self._volume(name, "driver", self.cloud.driver_role.bucket, WORKLOAD_POD, mount_flags=[])

    def driver_identity(self, name: str, *, pod: Pod = DRIVER_POD, **token: Any) -> dict[str, str]:
        """The driver's environment with its web identity, as EKS's webhook injects it."""
        token_file = self.scratch / f"{name}.driver-token"
        token_file.write_text(self.cloud.issuer.token(pod, **token))
        return {"AWS_ROLE_ARN": self.cloud.driver_role.arn, "AWS_WEB_IDENTITY_TOKEN_FILE": str(token_file)}

    def pod_volume(self, name: str, *, issuer: Issuer | None = None, pod: Pod = WORKLOAD_POD, **token: Any) -> Volume:
        """A volume of the workload, with a token of `pod` in the request's secrets."""
        volume = self._volume(name, "pod", self.cloud.workload_role.bucket, WORKLOAD_POD)
        volume.secrets = with_tokens((issuer or self.cloud.issuer).token(pod, **token))
        return volume

    @property
    def role(self) -> tuple[str, str]:
        """The flag with the workload's role."""
        return ("--role-arn", self.cloud.workload_role.arn)

    def secret_volume(self, name: str, user: User) -> Volume:
        volume = self._volume(name, "secret", user.bucket, WORKLOAD_POD)
        volume.secrets = with_keys(user)
        return volume

    def _volume(self, name: str, *about: Any, **more: Any) -> Volume:
        return Volume(self.scratch / name, *about, **more)


Case = Callable[[World], None]
