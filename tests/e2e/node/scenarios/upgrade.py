"""A newer mounter takes over while files are read."""

from __future__ import annotations

import threading

from stack import Stack

from .volumes import key_of, publish, read, unpublish


def upgrade(stack: Stack) -> None:
    report = stack.report
    old, (node, driver) = stack.start_mounter(), stack.start_node()
    for number in (0, 1):
        report.equal("a volume is published", "OK", publish(stack, lambda: driver, number, 1))
    stopping, failures = threading.Event(), []

    def keep_reading() -> None:
        while not stopping.is_set():
            try:
                if read(stack, 0) != key_of(0, 1):
                    failures.append("another key")
            except OSError as error:
                failures.append(str(error))

    reading = threading.Thread(target=keep_reading)
    reading.start()
    old.terminate()
    new = stack.start_mounter()
    report.equal("the new mounter takes a volume", "OK", publish(stack, lambda: driver, 2, 1))
    report.equal("a volume of the old one is refreshed", "OK", publish(stack, lambda: driver, 1, 2))
    report.equal("and shows its rotated key", key_of(1, 2), read(stack, 1))
    report.check("the old mounter runs", old.poll() is None)
    stopping.set()
    reading.join()
    report.equal("no read failed", [], failures[:3])
    for number in (0, 1):
        report.equal("a volume of the old one is unpublished", "OK", unpublish(stack, lambda: driver, number))
    report.equal("the old mounter ends with its last mount", 0, old.wait(30))
    report.equal("the new one's volume is read", key_of(2, 1), read(stack, 2))
    report.equal("and unpublished", "OK", unpublish(stack, lambda: driver, 2))
    stack.check_nothing_is_left()
    stack.stop(node, "the node service")
    stack.stop(new, "the mounter")
