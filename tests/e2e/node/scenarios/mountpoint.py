"""Mountpoint's own file system, built by `cargo xtask e2e mountpoint`, reads buckets of moto through both binaries."""

from __future__ import annotations

from pathlib import Path

import client
import csi_pb2 as csi
from stack import Stack, wait_for

from .volumes import at_once, reading, until_final, unpublish

VOLUMES = 8


def mountpoint(stack: Stack) -> None:
    # Only this scenario needs moto.
    from canaries import Canaries
    from cloud import Cloud

    canaries = Canaries()
    with Cloud.start(stack.root / "cloud", canaries) as cloud:
        read_buckets(stack, cloud, canaries)


def read_buckets(stack: Stack, cloud: object, canaries: object) -> None:
    report, user = stack.report, cloud.user
    mounter = stack.start_mounter()
    node, driver = stack.start_node()

    def call(number: int, bucket: str = user.bucket.name) -> csi.NodePublishVolumeRequest:
        volume = f"v{number}"
        request = client.request(volume, stack.target(volume), user.access_key_id, user.secret_access_key)
        request.volume_capability.mount.mount_flags.append(f"endpoint-url {cloud.endpoint}")
        request.volume_context["bucketName"] = bucket
        return request

    def publish(number: int) -> str:
        return until_final(lambda: driver.publish(call(number)))

    def read(number: int) -> str:
        return Path(stack.target(f"v{number}"), user.bucket.key).read_text()

    numbers = range(VOLUMES)
    report.equal("all are published", ["OK"], at_once(publish, numbers))
    report.equal("each is read", {user.bucket.content}, set(map(read, numbers)))
    report.equal("all are refreshed", ["OK"], at_once(publish, numbers))
    node.kill()
    node.wait()
    report.equal("each is read while no node service runs", {user.bucket.content}, set(map(read, numbers)))
    node, driver = stack.start_node()
    report.equal("all are refreshed after it", ["OK"], at_once(publish, numbers))

    with reading(lambda: read(0), user.bucket.content) as failures:
        mounter.terminate()
        newer = stack.start_mounter()
        report.equal("a newer mounter takes a volume", "OK", publish(VOLUMES))
        report.equal("which is read", user.bucket.content, read(VOLUMES))
    report.equal("no read failed meanwhile", [], failures[:3])

    forbidden = call(VOLUMES + 1, cloud.workload_role.bucket.name)
    code, message = client.answer(lambda: driver.node.NodePublishVolume(forbidden, timeout=60))
    report.equal("another principal's bucket is PERMISSION_DENIED", "PERMISSION_DENIED", code)
    report.check("with what Mountpoint says", "Mountpoint failed" in message, message)
    answers = at_once(lambda number: unpublish(stack, lambda: driver, number), range(VOLUMES + 1))
    report.equal("all are unpublished", ["OK"], answers)
    wait_for(lambda: mounter.poll() is not None, "the old mounter ends with its last mount", 30, fail=False)
    report.equal("the old mounter has ended", 0, mounter.poll())
    stack.check_nothing_is_left()
    stack.stop(node, "the node service")
    stack.stop(newer, "the mounter")
    report.equal("no secret is in any log", [], canaries.found_in(stack.logs()))
