"""The real-client test: `s3cred` against moto's STS and S3, read with the AWS CLI and boto3.

    python3 tests/e2e/aws/run.py --s3cred PATH_TO_BINARY --cache DIR [--mountpoint PATH | --reader PATH] [--only SCENARIO ...]

With `--mountpoint` a real file system reads the bucket, through FUSE, instead of the two; with `--reader` Rust libraries do,
through the adapters that were built into this folder.

One line a check (`ok` or `FAIL`), then `N passed, N failed`; exit status 1 if any check failed. Everything listens on
127.0.0.1. This file needs only Python's standard library: it prepares the pinned virtual environment and becomes
`suite.py` inside it.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import toolchain

HERE = Path(__file__).resolve().parent


def main() -> None:
    parser = argparse.ArgumentParser(description="the real-client test of s3cred", allow_abbrev=False)
    parser.add_argument("--s3cred", required=True, type=Path, help="the built binary")
    parser.add_argument("--cache", required=True, type=Path, help="where the virtual environment is kept between runs")
    parser.add_argument("--mountpoint", type=Path, help="the program of tests/mountpoint; runs the scenarios with it instead")
    parser.add_argument("--reader", type=Path, help="the folder with the built programs of adapters; runs the scenarios with them instead")
    parser.add_argument("--only", nargs="+", default=[], metavar="SCENARIO", help="run only these scenarios")
    options = parser.parse_args()

    if sys.version_info < toolchain.OLDEST_PYTHON:
        oldest = ".".join(map(str, toolchain.OLDEST_PYTHON))
        sys.exit(f"e2e aws: Python {oldest} or newer is needed, this is {sys.version.split()[0]}")
    binary = options.s3cred.resolve()
    if not os.access(binary, os.X_OK):
        sys.exit(f"e2e aws: {binary} is not an executable file; build it with `cargo build -p s3-credential-cli`")

    python = toolchain.prepare(options.cache.resolve(), HERE / "requirements.txt")
    sys.stdout.flush()
    # Becoming the suite, rather than starting it, leaves one process for a caller's signals.
    programs = {"--mountpoint": options.mountpoint, "--reader": options.reader}
    flags = [word for flag, path in programs.items() if path for word in (flag, str(path.resolve()))]
    os.execv(python, [str(python), str(HERE / "suite.py"), "--s3cred", str(binary), *flags, *options.only])


if __name__ == "__main__":
    main()
