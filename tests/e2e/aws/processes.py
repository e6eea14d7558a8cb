"""Runs a command to its end with exactly the environment given; one that hangs is killed with its descendants."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

DEADLINE_SECONDS = 60


@dataclass(frozen=True)
class Finished:
    command: tuple[str, ...]
    status: int
    stdout: str
    stderr: str

    def __str__(self) -> str:
        return f"$ {' '.join(self.command)}\n{self.stdout}{self.stderr}(exit status {self.status})"


def run(command: Sequence[str], environment: Mapping[str, str], *, stdin: str = "", umask: int = -1) -> Finished:
    child = subprocess.Popen(
        command,
        env=dict(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        umask=umask,
        # A group of its own, so that a credential_process of a client that hangs is killed with it.
        start_new_session=True,
    )
    try:
        stdout, stderr = child.communicate(stdin, DEADLINE_SECONDS)
    finally:
        if child.returncode is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.communicate()
    return Finished(tuple(command), child.returncode, stdout, stderr)
