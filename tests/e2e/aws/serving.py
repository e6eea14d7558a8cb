"""`s3cred serve`, running: one request file, changed as the kubelet would republish."""

from __future__ import annotations

import json
import os
import select
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from volume import Volume

ANSWER_SECONDS = 30


class Serving:
    def __init__(self, process: subprocess.Popen[str], request: Path) -> None:
        self._process = process
        self._request = request

    @classmethod
    @contextmanager
    def start(cls, binary: Path, volume: Volume, environment: Mapping[str, str], *flags: str) -> Iterator[Serving]:
        """Ends with SIGTERM, after which everything that was provided must be gone."""
        request = volume.folder / "request.json"
        request.write_text(json.dumps(volume.publish_request()))
        places = ["--write-path", str(volume.write_path), "--state-path", str(volume.state_path)]
        log = volume.folder / "serve.log"
        with open(log, "w") as stderr:
            process = subprocess.Popen(
                [str(binary), "serve", "--request", str(request), *places, *flags],
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
        try:
            yield cls(process, request)
            process.terminate()
            process.wait(ANSWER_SECONDS)
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate()

    def answer(self) -> dict[str, Any]:
        """The next line on stdout: what was provided, or why not."""
        assert self._process.stdout
        if not select.select([self._process.stdout], [], [], ANSWER_SECONDS)[0]:
            raise TimeoutError("s3cred serve does not answer")
        answer: dict[str, Any] = json.loads(self._process.stdout.readline() or "{}")
        return answer

    def republish(self, volume: Volume) -> dict[str, Any]:
        new = self._request.with_suffix(".new")
        new.write_text(json.dumps(volume.publish_request()))
        os.replace(new, self._request)
        return self.answer()
