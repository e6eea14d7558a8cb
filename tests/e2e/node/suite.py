"""Runs the scenarios, each with a stack of its own; started by run.py inside the virtual environment."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import traceback
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "aws"))


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--node", required=True, type=Path)
    parser.add_argument("--mounter", required=True, type=Path)
    parser.add_argument("--mount-program", required=True, type=Path)
    parser.add_argument("--real", action="store_true")
    parser.add_argument("--stubs", required=True, type=Path)
    parser.add_argument("--volumes", type=int, default=20)
    parser.add_argument("only", nargs="*")
    options = parser.parse_args()
    # The stubs import one another by name.
    sys.path.append(str(options.stubs))
    from report import Abandoned, Report
    import scenarios
    from stack import Stack

    known = scenarios.MOUNTPOINT if options.real else scenarios.SCENARIOS
    if unknown := set(options.only) - set(known):
        parser.error(f"no scenario {', '.join(unknown)}; there are {', '.join(known)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    report = Report()
    print(f"# each mount is served by {options.mount_program}", flush=True)
    for name in options.only or known:
        report.subject = name
        with tempfile.TemporaryDirectory(prefix="s3-node-e2e-") as folder:
            stack = Stack(report, Path(folder), options.node, options.mounter, options.mount_program, options.volumes)
            failed = report.failed
            try:
                known[name](stack)
            except Abandoned:
                pass  # counted already
            except Exception:  # a broken scenario is a failed check; the others still run
                report.check("the scenario runs to its end", False, traceback.format_exc())
            finally:
                stack.tear_down()
            if report.failed > failed:
                print(f"--- the logs of {name}\n{stack.logs()[-6000:]}", file=sys.stderr, flush=True)
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
