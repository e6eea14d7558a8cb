"""The test of the node service: both real binaries, driven by Python's grpcio as the kubelet drives them.

    python3 tests/e2e/node/run.py --node BINARY --mounter BINARY --cache DIR --mount-program PROGRAM --volumes N [--only SCENARIO ...]

One line a check (`ok` or `FAIL`), then `N passed, N failed`; exit status 1 if any check failed. The mounts are real FUSE mounts of
this machine, in a mount namespace of the test's own, so it needs root and /dev/fuse. Every mount is below a temporary directory.
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

PROTO = HERE.parents[2] / "crates/csi/proto"


def main() -> None:
    parser = argparse.ArgumentParser(description="the node service and the mounter", allow_abbrev=False)
    parser.add_argument("--node", required=True, type=Path)
    parser.add_argument("--mounter", required=True, type=Path)
    parser.add_argument("--mount-program", required=True, type=Path, help="what the mounter starts for each mount")
    parser.add_argument("--cache", required=True, type=Path, help="where the virtual environment is kept between runs")
    parser.add_argument("--volumes", type=int, default=20, help="how many volumes are published at once")
    parser.add_argument("--real", action="store_true", help="the program is that of tests/mountpoint, and reads from moto")
    parser.add_argument("--only", nargs="+", default=[], metavar="SCENARIO")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("e2e node: root is needed: the service calls mount(2), and each mount has a user of its own")
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))
    except OSError as error:
        sys.exit(f"e2e node: /dev/fuse cannot be opened: {error}; load the kernel module fuse, or give the container the device")

    cache = options.cache.resolve()
    requirements = "requirements-mountpoint.txt" if options.real else "requirements.txt"
    python = toolchain.prepare(cache, HERE / requirements)
    stubs = cache / "stubs"
    stubs.mkdir(exist_ok=True)
    protoc = [python, "-m", "grpc_tools.protoc", f"-I{PROTO}", f"--python_out={stubs}", f"--grpc_python_out={stubs}"]
    subprocess.run([*protoc, str(PROTO / "csi.proto")], check=True)
    suite = [
        *(python, HERE / "suite.py", "--node", options.node.resolve(), "--mounter", options.mounter.resolve()),
        *("--mount-program", options.mount_program.resolve(), "--volumes", str(options.volumes), "--stubs", stubs),
        *(["--real"] if options.real else []),
        *options.only,
    ]
    sys.stdout.flush()
    os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", *map(str, suite)])


if __name__ == "__main__":
    main()
