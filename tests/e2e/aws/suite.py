"""Runs the scenarios against one server; started by run.py inside the virtual environment."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import traceback
from importlib.metadata import version
from pathlib import Path

from canaries import Canaries
from clients import Clients
from cloud import Cloud
from mounts import Mounts
from report import Abandoned, Report
from s3cred import S3cred
from scenarios import MOUNTPOINT, SCENARIOS, SEAMS
from scenarios.world import Case, World


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--s3cred", required=True, type=Path)
    parser.add_argument("--mountpoint", type=Path)
    parser.add_argument("--reader", type=Path)
    parser.add_argument("only", nargs="*")
    options = parser.parse_args()
    scenarios = MOUNTPOINT if options.mountpoint else SEAMS if options.reader else SCENARIOS
    if unknown := set(options.only) - set(scenarios):
        parser.error(f"no scenario {', '.join(unknown)}; there are {', '.join(scenarios)}")

    clients = () if options.mountpoint or options.reader else ("awscli", "boto3")
    print("versions:", ", ".join(f"{name} {version(name)}" for name in ("moto", *clients)), flush=True)
    forget_ambient_settings()
    # A terminated run unwinds like any other, so that the server goes with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    report = Report()
    with tempfile.TemporaryDirectory(prefix="s3cred-e2e-") as folder:
        scratch = Path(folder)
        canaries = Canaries()
        with Cloud.start(scratch / "cloud", canaries) as cloud:
            world = World(
                report=report,
                cloud=cloud,
                canaries=canaries,
                clients=Clients(cloud.endpoint, scratch / "homes"),
                s3cred=S3cred(options.s3cred, cloud.endpoint, scratch / "s3cred-home", canaries),
                scratch=scratch,
                mounts=Mounts(options.mountpoint, cloud.endpoint, scratch / "mounts") if options.mountpoint else None,
                reader=options.reader,
            )
            for name in options.only or scenarios:
                for case, function in scenarios[name].items():
                    report.subject = f"{name}, {case}"
                    run(function, world)
        if report.failed:
            print(f"--- the server's log\n{cloud.log()}", file=sys.stderr, flush=True)
    return report.close()


def run(case: Case, world: World) -> None:
    try:
        case(world)
    except Abandoned:
        pass  # counted already
    except Exception:  # a broken case is a failed check; the others still run
        world.report.check("the case runs to its end", False, traceback.format_exc())


def forget_ambient_settings() -> None:
    """Removes the caller's own AWS account and proxy from the environment of this process and its children."""
    for variable in list(os.environ):
        if variable.startswith(("AWS_", "MOTO_")) or variable.lower().endswith("_proxy"):
            del os.environ[variable]
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"


if __name__ == "__main__":
    sys.exit(main())
