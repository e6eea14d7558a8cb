"""A newer mounter takes over while files are read."""

from __future__ import annotations

from stack import Stack

from .volumes import key_of, publish, read, reading, unpublish


def upgrade(stack: Stack) -> None:
    report = stack.report
    old, (node, driver) = stack.start_mounter(), stack.start_node()
    for number in (0, 1):
        report.equal("a volume is published", "OK", publish(stack, lambda: driver, number, 1))
    with reading(lambda: read(stack, 0), key_of(0, 1)) as failures:
        old.terminate()
        new = stack.start_mounter()
        report.equal("the new mounter takes a volume", "OK", publish(stack, lambda: driver, 2, 1))
        report.equal("a volume of the old one is refreshed", "OK", publish(stack, lambda: driver, 1, 2))
        report.equal("and shows its rotated key", key_of(1, 2), read(stack, 1))
        report.check("the old mounter runs", old.poll() is None)
    report.equal("no read failed", [], failures[:3])
    for number in (0, 1):
        report.equal("a volume of the old one is unpublished", "OK", unpublish(stack, lambda: driver, number))
    report.equal("the old mounter ends with its last mount", 0, old.wait(30))
    report.equal("the new one's volume is read", key_of(2, 1), read(stack, 2))
    report.equal("and unpublished", "OK", unpublish(stack, lambda: driver, 2))
    stack.check_nothing_is_left()
    stack.stop(node, "the node service")
    stack.stop(new, "the mounter")
