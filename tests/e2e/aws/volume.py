"""A CSI volume: its requests as JSON, and its folders on this machine."""

from __future__ import annotations

import json
import stat
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import jwt

from cloud import REGION, Bucket, User
from issuer import STS_AUDIENCE, Pod

TOKENS_KEY = "csi.storage.k8s.io/serviceAccount.tokens"


@dataclass
class Volume:
    folder: Path
    level: str
    bucket: Bucket
    pod: Pod
    secrets: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)
    mount_flags: list[str] = field(default_factory=lambda: [f"region {REGION}"])

    def __post_init__(self) -> None:
        self.write_path.mkdir(parents=True)
        self.state_path.mkdir()
        # A foreign file: it must be there in the end.
        (self.write_path / "bystander").write_text("not ours\n")

    @property
    def write_path(self) -> Path:
        return self.folder / "credentials"

    @property
    def state_path(self) -> Path:
        return self.folder / "state"

    def publish_request(self) -> dict[str, Any]:
        pod_info = {
            "pod.uid": self.pod.uid,
            "pod.namespace": self.pod.namespace,
            "pod.name": self.pod.name,
            "serviceAccount.name": self.pod.service_account,
        }
        return {
            **self.unpublish_request(),
            "volumeContext": {
                "bucketName": self.bucket.name,
                "authenticationSource": self.level,
                **{f"csi.storage.k8s.io/{name}": value for name, value in pod_info.items()},
                **self.attributes,
            },
            "volumeCapability": {
                "mount": {"mountFlags": self.mount_flags},
                "accessMode": {"mode": "MULTI_NODE_MULTI_WRITER"},
            },
            "secrets": self.secrets,
        }

    def unpublish_request(self) -> dict[str, Any]:
        """All that NodeUnpublishVolume has."""
        target = f"/var/lib/kubelet/pods/{self.pod.uid}/volumes/kubernetes.io~csi/{self.folder.name}/mount"
        return {"volumeId": f"s3-csi-{self.folder.name}", "targetPath": target}

    def written(self) -> dict[str, str]:
        """Everything beneath the write path, with its mode: `name -> 0640`, folders with a trailing slash."""
        return {
            f"{path.relative_to(self.write_path)}{'/' if path.is_dir() else ''}": mode(path)
            for path in sorted(self.write_path.rglob("*"))
            if path.name != "bystander"
        }

    def snapshot(self) -> dict[str, tuple[str, bytes]]:
        """The write path and everything beneath, with modes and contents."""
        paths = [self.write_path, *sorted(self.write_path.rglob("*"))]
        return {str(path): (mode(path), path.read_bytes() if path.is_file() else b"") for path in paths}


def with_tokens(token: str) -> dict[str, str]:
    """The kubelet's `serviceAccount.tokens`, for `secrets` or for the volume context."""
    claims = jwt.decode(token, options={"verify_signature": False})
    expires_at = datetime.fromtimestamp(claims["exp"], timezone.utc)
    tokens = {STS_AUDIENCE: {"token": token, "expirationTimestamp": f"{expires_at:%FT%TZ}"}}
    return {TOKENS_KEY: json.dumps(tokens)}


def with_keys(user: User) -> dict[str, str]:
    """The content of the Secret behind `nodePublishSecretRef`."""
    return {"access_key_id": user.access_key_id, "secret_access_key": user.secret_access_key}


def mode(path: Path) -> str:
    return f"{stat.S_IMODE(path.lstat().st_mode):04o}"
