"""A CSI client on Python's grpcio, with its default settings: it sends the path of the socket as `:authority`."""

from __future__ import annotations

from pathlib import Path

import csi_pb2 as csi
import csi_pb2_grpc as rpc
import grpc

# Codes after which the kubelet calls again.
RETRYABLE = ("UNAVAILABLE", "ABORTED", "DEADLINE_EXCEEDED", "CANCELLED", "RESOURCE_EXHAUSTED")


class Client:
    def __init__(self, socket: Path) -> None:
        channel = grpc.insecure_channel(f"unix://{socket}")
        self.node, self.identity = rpc.NodeStub(channel), rpc.IdentityStub(channel)

    def publish(self, request: csi.NodePublishVolumeRequest) -> str:
        return answer(lambda: self.node.NodePublishVolume(request, timeout=60))[0]

    def unpublish(self, volume: str, target: str) -> str:
        request = csi.NodeUnpublishVolumeRequest(volume_id=volume, target_path=target)
        return answer(lambda: self.node.NodeUnpublishVolume(request, timeout=60))[0]

    def stats(self, volume: str, path: str) -> csi.NodeGetVolumeStatsResponse:
        return self.node.NodeGetVolumeStats(csi.NodeGetVolumeStatsRequest(volume_id=volume, volume_path=path), timeout=60)


def answer(call: object) -> tuple[str, str]:
    """The code and the message of a call."""
    assert callable(call)
    try:
        call()
        return "OK", ""
    except grpc.RpcError as error:
        return error.code().name, error.details() or ""


def request(volume: str, target: str, key: str, secret: str) -> csi.NodePublishVolumeRequest:
    call = csi.NodePublishVolumeRequest(volume_id=volume, target_path=target)
    call.volume_capability.mount.mount_flags.append("region eu-west-1")
    call.volume_capability.access_mode.mode = csi.VolumeCapability.AccessMode.MULTI_NODE_MULTI_WRITER
    call.volume_context.update({"bucketName": f"bucket-of-{volume}", "authenticationSource": "secret"})
    call.secrets.update({"key_id": key, "access_key": secret})
    return call
