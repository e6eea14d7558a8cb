"""The test of the Helm chart: the real Helm lints and renders it, and each object is valid in three versions of Kubernetes.

    python3 tests/e2e/chart/run.py --s3cred PATH_TO_BINARY --cache DIR

One line a check (`ok` or `FAIL`), then `N passed, N failed`; exit status 1 if any check failed. `s3cred` checks the rendered
configuration, and names the permissions that its chains need. No cluster and no network are needed after the first run.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Report and virtual environment are those of the other real-client test.
sys.path.append(str(HERE.parent / "aws"))

import toolchain  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description="the Helm chart", allow_abbrev=False)
    parser.add_argument("--s3cred", required=True, type=Path, help="the built binary")
    parser.add_argument("--cache", required=True, type=Path, help="where the virtual environment is kept between runs")
    options = parser.parse_args()
    binary = options.s3cred.resolve()
    if not os.access(binary, os.X_OK):
        sys.exit(f"e2e chart: {binary} is not an executable file; build it with `cargo build -p s3-credential-cli`")
    python = toolchain.prepare(options.cache.resolve(), HERE / "requirements.txt")
    sys.exit(subprocess.run([python, HERE / "checks.py", binary]).returncode)


if __name__ == "__main__":
    main()
