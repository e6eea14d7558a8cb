"""The test against the real kube-apiserver: what `s3cred` asks of Kubernetes, with RBAC, TokenRequest and watches as they are.

    python3 tests/e2e/kubernetes/run.py --s3cred PATH_TO_BINARY --cache DIR

One line a check (`ok` or `FAIL`), then `N passed, N failed`; exit status 1 if any check failed. Everything listens on 127.0.0.1. The
first run builds the server from Debian's sources, which takes 10 minutes or more; `build.py` says what that needs.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Report and processes are those of the other real-client test.
sys.path.append(str(HERE.parent / "aws"))

import build  # noqa: E402
from cluster import Cluster  # noqa: E402
from report import Abandoned, Report  # noqa: E402
from scenarios import ALL  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description="s3cred against the real kube-apiserver", allow_abbrev=False)
    parser.add_argument("--s3cred", required=True, type=Path, help="the built binary")
    parser.add_argument("--cache", required=True, type=Path, help="where the built server is kept between runs")
    options = parser.parse_args()
    binary = options.s3cred.resolve()
    if not os.access(binary, os.X_OK):
        sys.exit(f"e2e kubernetes: {binary} is not an executable file; build it with `cargo build -p s3-credential-cli`")
    server = build.prepare(options.cache.resolve())

    print(f"versions: kube-apiserver {version_of(server)}, etcd {version_of('etcd')}", flush=True)

    report = Report()
    for scenario in ALL:
        report.subject = scenario.__name__
        with tempfile.TemporaryDirectory(prefix="s3cred-e2e-") as folder:
            with Cluster.start(server, Path(folder)) as cluster:
                try:
                    scenario(report, cluster, binary, Path(folder))
                except Abandoned:
                    continue
    sys.exit(report.close())


def version_of(program: Path | str) -> str:
    """The last word of the first line: `Kubernetes v1.20.2`, `etcd Version: 3.4.23`."""
    printed = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    return printed.splitlines()[0].split()[-1].removeprefix("v")


if __name__ == "__main__":
    main()
