"""kill -9 of one Mountpoint process breaks its mount alone, and is reported."""

from __future__ import annotations

import os
import signal

import client
from stack import Stack, wait_for

from .volumes import key_of, publish, read, unpublish


def crash(stack: Stack) -> None:
    report = stack.report
    stack.start_mounter()
    node, driver = stack.start_node()
    report.equal("the first volume is published", "OK", publish(stack, lambda: driver, 0, 1))
    first = set(stack.mount_processes().values())
    report.equal("the second volume is published", "OK", publish(stack, lambda: driver, 1, 1))
    report.check("both are normal", not any(abnormal(stack, driver, number) for number in (0, 1)))
    os.kill(first.pop(), signal.SIGKILL)
    wait_for(lambda: abnormal(stack, driver, 0), "the condition is abnormal", fail=False)
    report.check("its condition is abnormal", abnormal(stack, driver, 0))
    report.check("the other one's is not", not abnormal(stack, driver, 1))
    try:
        read(stack, 0)
        report.check("its files cannot be read", False)
    except OSError:
        report.check("its files cannot be read", True)
    report.equal("the other one's can", key_of(1, 1), read(stack, 1))
    call = client.request("v0", stack.target("v0"), key_of(0, 2), "secret")
    code, message = client.answer(lambda: driver.node.NodePublishVolume(call, timeout=60))
    report.equal("a republish is UNAVAILABLE", "UNAVAILABLE", code)
    report.check("and says that the process has ended", "has ended" in message, message)
    for number in (0, 1):
        report.equal("it is unpublished", "OK", unpublish(stack, lambda: driver, number))
    stack.check_nothing_is_left()

    denied = client.request("denied", stack.target("denied"), key_of(9, 1), "secret")
    denied.volume_context["bucketName"] = "denied"
    code, message = client.answer(lambda: driver.node.NodePublishVolume(denied, timeout=60))
    report.equal("a bucket that may not be listed is PERMISSION_DENIED", "PERMISSION_DENIED", code)
    report.check("with the action that was denied", "s3:ListBucket" in message, message)
    stack.check_nothing_is_left()


def abnormal(stack: Stack, driver: client.Client, number: int) -> bool:
    return driver.stats(f"v{number}", stack.target(f"v{number}")).volume_condition.abnormal
