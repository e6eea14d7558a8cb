"""Many volumes are published, refreshed and unpublished concurrently; what that costs."""

from __future__ import annotations

import os
import time
from pathlib import Path

from stack import Stack

from .volumes import at_once, publish, shown, unpublish

IDLE_SECONDS = 10


def many(stack: Stack) -> None:
    mounter, (node, driver) = stack.start_mounter(), stack.start_node()
    report, numbers = stack.report, range(stack.volumes)
    descriptors = len(os.listdir(f"/proc/{node.pid}/fd"))
    began = time.monotonic()
    report.equal("all are published", ["OK"], at_once(lambda number: publish(stack, lambda: driver, number, 1), numbers))
    print(f"# {stack.volumes} volumes published in {time.monotonic() - began:.1f} s", flush=True)
    report.equal("each is mounted twice: source and target", 2 * stack.volumes, len(stack.mounts()))
    report.equal("each has a process", stack.volumes, len(stack.mount_processes()))
    report.equal("each shows its key", [], shown(stack, 1))
    report.equal("all are refreshed", ["OK"], at_once(lambda number: publish(stack, lambda: driver, number, 2), numbers))
    report.equal("each shows its rotated key", [], shown(stack, 2))
    report.equal("none is mounted again", 2 * stack.volumes, len(stack.mounts()))
    figures(stack, {"node service": node.pid, "mounter": mounter.pid})
    report.equal("all are unpublished", ["OK"], at_once(lambda number: unpublish(stack, lambda: driver, number), numbers))
    stack.check_nothing_is_left()
    left = len(os.listdir(f"/proc/{node.pid}/fd"))
    report.check("no descriptor is left", left <= descriptors + 2, f"{descriptors} before, {left} after")
    stack.stop(node, "the node service")
    stack.stop(mounter, "the mounter")
    report.equal("no socket is left", [], [str(path) for path in stack.root.rglob("*.sock")])
    stack.check_logs()


def figures(stack: Stack, processes: dict[str, int]) -> None:
    before = {name: ticks(pid) for name, pid in processes.items()}
    time.sleep(IDLE_SECONDS)
    for name, pid in processes.items():
        percent = (ticks(pid) - before[name]) / os.sysconf("SC_CLK_TCK") / IDLE_SECONDS * 100
        status = Path(f"/proc/{pid}/status").read_text()
        rss = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
        print(f"# {stack.volumes} idle mounts: the {name} uses {percent:.2f} % CPU, {int(rss) / 1024:.1f} MiB", flush=True)


def ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])
