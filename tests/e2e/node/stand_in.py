#!/usr/bin/env python3
"""Stands for Mountpoint where it is not built: a FUSE file system with one file, `object`, which shows the access key id that the
process reads from its profile at that moment. It ends with its mount. A bucket `denied` fails as Mountpoint does.
"""

import os
import struct
import sys

ROOT, OBJECT = 1, 2
DIRECT_IO = 1


def main() -> None:
    bucket, device = sys.argv[1], sys.argv[2]
    if bucket == "denied":
        print("Error: Failed to create S3 client\n\nCaused by:\n    0: initial ListObjectsV2 failed for bucket denied in region", end="")
        print(" eu-west-1\n    1: Client error\n    2: Forbidden: User: arn:aws:iam::1:user/u is not authorized to perform:", end="")
        sys.exit(" s3:ListBucket")
    channel = int(device.rsplit("/", 1)[1])
    print(f"bucket {bucket} is mounted at {device}", flush=True)
    while True:
        try:
            call = os.read(channel, 1 << 20)
        except InterruptedError:
            continue
        except OSError as error:
            if error.errno == 2:  # the caller went away
                continue
            return
        if not call:
            return
        _, operation, unique, node = struct.unpack_from("<IIQQ", call)
        if (answer := reply(operation, node, call[40:])) is not None:
            status, body = answer
            os.write(channel, struct.pack("<IiQ", 16 + len(body), status, unique) + body)


def reply(operation: int, node: int, body: bytes) -> "tuple[int, bytes] | None":
    if operation in (2, 36, 42):  # FORGET, INTERRUPT, BATCH_FORGET
        return None
    if operation == 26:  # INIT
        return 0, struct.pack("<IIIIHHIIHHI", 7, 31, 65536, 0, 16, 12, 65536, 1, 0, 0, 0) + b"\0" * 28
    if operation == 1:  # LOOKUP
        if body != b"object\0":
            return -2, b""
        return 0, struct.pack("<QQQQII", OBJECT, 0, 0, 0, 0, 0) + attributes(OBJECT)
    if operation == 3:  # GETATTR
        return 0, struct.pack("<QII", 0, 0, 0) + attributes(node)
    if operation in (14, 27):  # OPEN, OPENDIR
        return 0, struct.pack("<QII", 0, DIRECT_IO if operation == 14 else 0, 0)
    if operation == 15:  # READ
        return 0, content()[struct.unpack_from("<Q", body, 8)[0] :]
    if operation == 17:  # STATFS
        return 0, struct.pack("<QQQQQIIII", 100, 50, 50, 10, 5, 4096, 255, 4096, 0) + b"\0" * 24
    if operation in (18, 25, 28, 29):  # RELEASE, FLUSH, READDIR, RELEASEDIR
        return 0, b""
    return -38, b""


def attributes(node: int) -> bytes:
    mode = 0o40755 if node == ROOT else 0o100644
    return struct.pack("<QQQQQQIIIIIIIIII", node, len(content()), 0, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)


def content() -> bytes:
    with open(os.environ["AWS_SHARED_CREDENTIALS_FILE"]) as profile:
        keys = [line.split("=")[1].strip() for line in profile if line.startswith("aws_access_key_id")]
    return keys[0].encode()


if __name__ == "__main__":
    main()
