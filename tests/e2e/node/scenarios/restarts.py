"""The node service is killed in the midst of each step; the mounter is killed while volumes are mounted."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from stack import Stack

from .volumes import at_once, publish, shown, unpublish

KILLS = 4


def restarts(stack: Stack) -> None:
    mounter = stack.start_mounter()
    report, numbers = stack.report, range(stack.volumes)
    current = list(stack.start_node())

    def killed_during(step: Callable[[int], str], sentence: str) -> None:
        answers: list[str] = []
        working = threading.Thread(target=lambda: answers.extend(at_once(step, numbers)))
        working.start()
        for kill in range(KILLS):
            time.sleep(0.1 + 0.2 * kill)
            current[0].kill()
            current[0].wait()
            current[:] = stack.start_node()
        working.join()
        report.equal(sentence, ["OK"], answers)

    killed_during(lambda number: publish(stack, lambda: current[1], number, 1), "kill -9 during publishes: all are published")
    report.equal("each is mounted twice", 2 * stack.volumes, len(stack.mounts()))
    report.equal("each shows its key", [], shown(stack, 1))
    killed_during(lambda number: publish(stack, lambda: current[1], number, 2), "kill -9 during republishes: all are refreshed")
    report.equal("each shows its rotated key", [], shown(stack, 2))

    mounter.kill()
    mounter.wait()
    report.equal("kill -9 of the mounter: every volume is read", [], shown(stack, 2))
    report.equal("and refreshed", ["OK"], at_once(lambda number: publish(stack, lambda: current[1], number, 3), numbers))
    mounter = stack.start_mounter()
    report.equal("each shows its key", [], shown(stack, 3))
    killed_during(lambda number: unpublish(stack, lambda: current[1], number), "kill -9 during unpublishes: all are unpublished")
    stack.check_nothing_is_left()
    stack.stop(current[0], "the node service")
    stack.stop(mounter, "the mounter")
    stack.check_logs()
