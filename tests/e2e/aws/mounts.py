"""A real Mountpoint file system over FUSE, started with exactly the environment that `provide` printed."""

from __future__ import annotations

import os
import select
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cloud import REGION, Bucket

READY_SECONDS = 60
# Mountpoint that finds its token file gone waits for ever.
READ_SECONDS = 15


@dataclass(frozen=True)
class Mount:
    """A mounted bucket; `directory` is None where Mountpoint refused to start."""

    directory: Path | None
    log: Path
    process: subprocess.Popen[str]

    def read(self, bucket: Bucket) -> str | None:
        """The object's content, or None where it cannot be read: by a process of its own, since a read may hang."""
        if self.directory is None:
            return None
        # Its size and its content are two signed requests at least; no data is cached.
        reader = subprocess.Popen(
            ["cat", str(self.directory / bucket.key)],
            env={"PATH": "/usr/bin:/bin"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            content, _ = reader.communicate(timeout=READ_SECONDS)
        except subprocess.TimeoutExpired:
            # It waits within the kernel, where no signal reaches it, until the file system is gone.
            self.process.kill()
            reader.communicate()
            return None
        return content if reader.returncode == 0 else None

    def __str__(self) -> str:
        return self.log.read_text(errors="replace")


class Mounts:
    def __init__(self, binary: Path, endpoint: str, scratch: Path) -> None:
        self._binary = binary
        self._endpoint = endpoint
        self._scratch = scratch
        self._count = 0
        scratch.mkdir()

    @contextmanager
    def mount(self, bucket: Bucket, environment: Mapping[str, str]) -> Iterator[Mount]:
        """Unmounted at the end. No credentials may be removed before."""
        if environment.get("AWS_EC2_METADATA_DISABLED") != "true":
            # Mountpoint would look for a role of this machine, beyond loopback.
            raise ValueError(f"this environment does not disable IMDS: {sorted(environment)}")
        self._count += 1
        folder = self._scratch / str(self._count)
        directory, home, log = folder / "mount", folder / "home", folder / "log"
        directory.mkdir(parents=True)
        home.mkdir()
        least = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": str(home), "RUST_LOG": "warn"}
        with open(log, "w") as stderr:
            process = subprocess.Popen(
                [str(self._binary), bucket.name, str(directory), "--endpoint-url", self._endpoint, "--region", REGION],
                env={**least, **environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
        try:
            yield Mount(directory if is_ready(process) else None, log, process)
        finally:
            if os.path.ismount(directory):
                subprocess.run(["fusermount3", "-u", "-z", str(directory)], check=False)
            process.terminate()
            try:
                process.communicate(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()


def is_ready(process: subprocess.Popen[str]) -> bool:
    assert process.stdout
    if not select.select([process.stdout], [], [], READY_SECONDS)[0]:
        return False
    return " is mounted at " in process.stdout.readline()
