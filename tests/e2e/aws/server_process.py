"""Starts server.py, speaks its line protocol, and ends it."""

from __future__ import annotations

import json
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ANSWER_SECONDS = 60


class ServerProcess:
    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self._process = process
        self._log = log
        hello = self._answer()
        self.endpoint: str = hello["endpoint"]
        self.administrator: dict[str, str] = hello["administrator"]

    @classmethod
    @contextmanager
    def start(cls, folder: Path, keys: dict[str, Any]) -> Iterator[ServerProcess]:
        """`keys`: the JWKS of each issuer by its URL. The server listens when this block is entered."""
        keys_file, log = folder / "keys.json", folder / "server.log"
        keys_file.write_text(json.dumps(keys))
        with open(log, "w") as stderr:
            process = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("server.py")), "--keys", str(keys_file)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
        try:
            yield cls(process, log)
        except Exception:
            print(f"--- the server's log\n{log.read_text()}", file=sys.stderr, flush=True)
            raise
        finally:
            process.kill()
            process.communicate()

    def set_clock_ahead(self, seconds: int) -> None:
        assert self._process.stdin
        print(f"clock {seconds}", file=self._process.stdin, flush=True)
        self._answer()

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """It accepts connections, and answers none."""
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def log(self) -> str:
        return self._log.read_text()

    def _answer(self) -> Any:
        assert self._process.stdout
        # The server writes whole lines, and one for each question: once there is something, there
        # is a line.
        if not select.select([self._process.stdout], [], [], ANSWER_SECONDS)[0]:
            raise TimeoutError("the server does not answer")
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the server ended")
        return json.loads(line)
