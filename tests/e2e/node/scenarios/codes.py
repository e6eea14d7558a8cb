"""Each malformed call has the code of the CSI table, whichever state a volume is in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import client
import csi_pb2 as csi
from stack import CANARY, Stack

from .volumes import key_of

MALFORMED: dict[str, Callable[[csi.NodePublishVolumeRequest], object]] = {
    "no volume_id": lambda call: call.ClearField("volume_id"),
    "a volume_id with a newline": lambda call: setattr(call, "volume_id", "a\nb"),
    "no target_path": lambda call: call.ClearField("target_path"),
    "a relative target_path": lambda call: setattr(call, "target_path", "a/b"),
    "a target_path with ..": lambda call: setattr(call, "target_path", "/a/../b"),
    "a long target_path": lambda call: setattr(call, "target_path", "/" + "a/" * 5000),
    "a target_path with a long component": lambda call: setattr(call, "target_path", "/tmp/" + "a" * 300),
    "no volume_capability": lambda call: call.ClearField("volume_capability"),
    "no access type": lambda call: call.volume_capability.ClearField("mount"),
    "a block volume": lambda call: call.volume_capability.block.SetInParent(),
    "no access mode": lambda call: call.volume_capability.ClearField("access_mode"),
    "an unknown access mode": lambda call: setattr(call.volume_capability.access_mode, "mode", 77),
    "no bucket": lambda call: call.volume_context.pop("bucketName"),
    "an option as bucket": lambda call: call.volume_context.update({"bucketName": "--help"}),
    "an unknown level": lambda call: call.volume_context.update({"authenticationSource": "x"}),
    "a group that is no number": lambda call: setattr(call.volume_capability.mount, "volume_mount_group", "g"),
    "an option of the service": lambda call: call.volume_capability.mount.mount_flags.append("foreground"),
    "half a secret": lambda call: call.secrets.pop("access_key"),
}


def codes(stack: Stack) -> None:
    report = stack.report
    stack.start_mounter()
    _, driver = stack.start_node()
    secret = f"{CANARY}-codes"

    def call(volume: str) -> csi.NodePublishVolumeRequest:
        return client.request(volume, stack.target(volume), key_of(0, 1), secret)

    for what, change in MALFORMED.items():
        broken = call("v")
        change(broken)
        code, message = client.answer(lambda broken=broken: driver.node.NodePublishVolume(broken, timeout=60))
        report.check(f"{what} is refused", code in ("INVALID_ARGUMENT", "FAILED_PRECONDITION"), f"{code} {message}")
        report.check("without a secret", CANARY not in message)
    report.equal("that mounts no file system", [], stack.mounts())

    for what, volume, path in (("no id", "", "/t"), ("no path", "v", ""), ("a relative path", "v", "t")):
        unpublish = csi.NodeUnpublishVolumeRequest(volume_id=volume, target_path=path)
        code, _ = client.answer(lambda unpublish=unpublish: driver.node.NodeUnpublishVolume(unpublish))
        report.equal(f"an unpublish with {what} is refused", "INVALID_ARGUMENT", code)
        code, _ = client.answer(lambda volume=volume, path=path: driver.stats(volume, path))
        report.equal(f"stats with {what} are refused", "INVALID_ARGUMENT", code)
    report.equal("an unknown volume is unpublished", "OK", driver.unpublish("unknown", stack.target("unknown")))
    code, _ = client.answer(lambda: driver.stats("unknown", stack.target("unknown")))
    report.equal("an unknown volume has no stats", "NOT_FOUND", code)
    for name in ("NodeStageVolume", "NodeUnstageVolume", "NodeExpandVolume"):
        code, _ = client.answer(lambda name=name: getattr(driver.node, name)(getattr(csi, f"{name}Request")()))
        report.equal(f"{name} is not offered", "UNIMPLEMENTED", code)
    probe = driver.identity.Probe(csi.ProbeRequest())
    report.check("a service with a mounter is ready", probe.ready.value)
    report.equal("it has a name", "s3.csi.aws.com", driver.identity.GetPluginInfo(csi.GetPluginInfoRequest()).name)
    report.equal("the node has its name", "node-1", driver.node.NodeGetInfo(csi.NodeGetInfoRequest()).node_id)

    targets(stack, driver, call)
    stack.check_nothing_is_left()
    stack.check_logs()


def targets(stack: Stack, driver: client.Client, call: Callable[[str], csi.NodePublishVolumeRequest]) -> None:
    report = stack.report
    file = stack.root / "file"
    file.write_text("precious")
    link = stack.root / "link"
    link.symlink_to("/tmp")
    for path in (file, link):
        strange = call("v")
        strange.target_path = str(path)
        report.equal("a target that is no directory is refused", "FAILED_PRECONDITION", driver.publish(strange))
        report.equal("and unpublished without harm", "OK", driver.unpublish("v", str(path)))
    report.check("the file is there", file.read_text() == "precious" and link.is_symlink())

    report.equal("a volume is published", "OK", driver.publish(call("v")))
    report.equal("the same call is no change", "OK", driver.publish(call("v")))
    report.equal("it is mounted once", 2, len(stack.mounts()))
    other = call("v")
    other.readonly = True
    report.equal("a different call is refused", "ALREADY_EXISTS", driver.publish(other))
    second = call("w")
    second.target_path = call("v").target_path
    report.equal("another volume at its target is refused", "ALREADY_EXISTS", driver.publish(second))
    report.equal("an unpublish of that one is OK", "OK", driver.unpublish("w", second.target_path))
    report.equal("and the files stay", key_of(0, 1), Path(second.target_path, "object").read_text())
    half = call("v")
    del half.secrets["access_key"]
    report.equal("a republish with half a secret is no final error", "UNAVAILABLE", driver.publish(half))
    report.equal("and the files stay", key_of(0, 1), Path(second.target_path, "object").read_text())
    report.equal("it is unpublished", "OK", driver.unpublish("v", stack.target("v") + "/"))
