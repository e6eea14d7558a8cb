"""The two processes in a temporary directory, and what they leave behind."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import client
from report import Report

CANARY = "canary-5e0f"
CONFIGURATION = "chains: {secret: [secret-request], region: [environment]}\n"


class Stack:
    def __init__(
        self, report: Report, root: Path, node: Path, mounter: Path, mount_program: Path, volumes: int
    ) -> None:
        self.report, self.root, self.volumes = report, root, volumes
        self.plugin, self.state = root / "plugin", root / "state"
        self._node_binary, self._mounter_binary, self.mount_program = node, mounter, mount_program
        self._log = open(root / "log", "w")
        self.processes: list[subprocess.Popen[bytes]] = []
        # The users of mounts read their credentials below.
        root.chmod(0o755)
        self.plugin.mkdir()
        (root / "chains.yaml").write_text(CONFIGURATION)

    def start_mounter(self) -> subprocess.Popen[bytes]:
        directory = self.plugin / "mounter"
        sockets = set(directory.glob("*.sock"))
        mounter = self._spawn(
            [self._mounter_binary, "--mounter-dir", directory, "--mountpoint", self.mount_program], {"RUST_LOG": "trace"}
        )
        wait_for(lambda: set(directory.glob("*.sock")) - sockets, "the mounter listens")
        return mounter

    def start_node(self) -> tuple[subprocess.Popen[bytes], client.Client]:
        environment = {"AWS_REGION": "eu-west-1", "OF_THE_SERVICE": CANARY, "RUST_LOG": "trace"}
        (self.root / "csi.sock").unlink(missing_ok=True)
        node = self._spawn(
            [
                *(self._node_binary, "--endpoint", f"unix://{self.root}/csi.sock", "--node-id", "node-1"),
                *("--plugin-dir", self.plugin, "--state-path", self.state, "--kubelet-dir", self.root),
                *("--config", self.root / "chains.yaml"),
            ],
            environment,
        )
        wait_for(lambda: (self.root / "csi.sock").exists(), "the node service listens")
        return node, client.Client(self.root / "csi.sock")

    def _spawn(self, command: list[object], environment: dict[str, str]) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            list(map(str, command)), env={"PATH": os.environ["PATH"], **environment}, stderr=self._log, stdout=self._log
        )
        self.processes.append(process)
        return process

    def target(self, volume: str) -> str:
        return f"{self.root}/pods/{volume}/volumes/kubernetes.io~csi/pv/mount"

    def logs(self) -> str:
        return (self.root / "log").read_text(errors="replace")

    def mounts(self) -> list[str]:
        return [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(self.root) in line]

    def mount_processes(self) -> dict[str, int]:
        """The process of each mount, by the directory of its credentials."""
        found = {}
        for directory in Path("/proc").iterdir():
            if not directory.name.isdigit():
                continue
            try:
                if b"/dev/fd/" not in (directory / "cmdline").read_bytes():
                    continue
                environment = (directory / "environ").read_bytes().decode().split("\0")
            except (FileNotFoundError, ProcessLookupError):
                continue
            prefix = f"AWS_SHARED_CREDENTIALS_FILE={self.plugin}/credentials/"
            for variable in environment:
                if variable.startswith(prefix):
                    found[variable.removeprefix(prefix).split("/")[0]] = int(directory.name)
        return found

    def check_nothing_is_left(self) -> None:
        """After every volume is unpublished, while both processes run."""
        wait_for(lambda: not self.mount_processes(), "the processes end", fail=False)
        left = {
            "mounts": self.mounts(),
            "processes": self.mount_processes(),
            "users": names(self.plugin / "mounter/users"),
            "source directories": names(self.plugin / "mounts"),
            "credentials": names(self.plugin / "credentials"),
            "records": names(self.state / ".volumes"),
            "leases": [name for name in names(self.state) if not name.startswith(".")],
            "target directories": [str(path) for path in self.root.glob("pods/*/volumes/*/*/*")],
        }
        for what, found in left.items():
            self.report.equal(f"no {what} are left", [], list(found))

    def stop(self, process: subprocess.Popen[bytes], what: str) -> None:
        process.send_signal(signal.SIGTERM)
        try:
            self.report.equal(f"{what} exits with 0 after SIGTERM", 0, process.wait(30))
        except subprocess.TimeoutExpired:
            self.report.check(f"{what} ends within 30 s after SIGTERM", False)

    def check_logs(self) -> None:
        self.report.check("no secret is in any log", CANARY not in self.logs())

    def tear_down(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
        for pid in self.mount_processes().values():
            os.kill(pid, signal.SIGKILL)
        for line in reversed(self.mounts()):
            subprocess.run(["umount", "--lazy", line.split()[4]], check=False)


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir()) if directory.exists() else []


def wait_for(condition: object, what: str, seconds: float = 60, *, fail: bool = True) -> None:
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            if fail:
                raise TimeoutError(f"not within {seconds} s: {what}")
            return
        time.sleep(0.02)
