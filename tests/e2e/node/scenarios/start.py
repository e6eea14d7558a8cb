"""How the two binaries start, refuse to start, and stop."""

from __future__ import annotations

import socket
import subprocess
import time

from stack import Stack


def start(stack: Stack) -> None:
    report, root = stack.report, stack.root
    node_binary = str(stack._node_binary)

    def run(*words: object, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        command = [node_binary, *map(str, words)]
        return subprocess.run(command, env=environment or {}, capture_output=True, text=True, timeout=60)

    flags = ("--endpoint", f"unix://{root}/csi.sock", "--node-id", "n", "--plugin-dir", stack.plugin, "--state-path", stack.state)
    report.equal("a missing flag is bad usage", 2, run().returncode)
    report.equal("an unknown flag is bad usage", 2, run(*flags, "--dance").returncode)
    report.equal("an empty --node-id is bad usage", 2, run(*flags[:2], "--node-id", "", *flags[4:]).returncode)
    report.equal("a relative --plugin-dir is bad usage", 2, run(*flags, "--plugin-dir", "plugin").returncode)
    report.equal("an endpoint that is no socket's is bad usage", 2, run(*flags, "--endpoint", "tcp://1.2.3.4:5").returncode)
    report.equal("a driver name that is no domain is bad usage", 2, run(*flags, "--driver-name", "../x").returncode)
    report.equal("a valid configuration is valid", 0, run("--check", "--config", root / "chains.yaml").returncode)
    (root / "broken.yaml").write_text("chains:\n  driver: [irsa, imsd]\n")
    broken = run("--check", "--config", root / "broken.yaml")
    report.equal("a broken configuration is bad usage", 2, broken.returncode)
    report.check("with its line and column", "broken.yaml:2:18" in broken.stdout + broken.stderr, str(broken))
    report.equal("without --check, too", 2, run(*flags, "--config", root / "broken.yaml").returncode)
    environment = {"S3_CSI_CONFIG": str(root / "broken.yaml"), "S3_CSI_CHECK": "true"}
    report.equal("flags have variables", 2, run(environment=environment).returncode)

    (root / "csi.sock").write_text("precious")
    report.equal("a file at the socket's path is no socket", 1, run(*flags).returncode)
    report.equal("and is left alone", "precious", (root / "csi.sock").read_text())
    (root / "csi.sock").unlink()
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(f"{root}/stale.sock")
    stale.close()

    node, _ = stack.start_node()
    idle = socket.socket(socket.AF_UNIX)
    idle.connect(f"{root}/csi.sock")
    began = time.monotonic()
    stack.stop(node, "the node service without a mounter, with an idle connection,")
    report.check("within 25 s", time.monotonic() - began < 25)
    stack.check_logs()
