"""boto3 with its default credential chain: lists a bucket, reads an object, prints both as JSON; the suite runs it."""

from __future__ import annotations

import json
import sys

import boto3
from botocore.exceptions import BotoCoreError, ClientError


def main() -> None:
    bucket, key = sys.argv[1:]
    try:
        s3 = boto3.client("s3")
        listed = [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
        content = s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
    print(json.dumps({"listed": listed, "content": content}))


if __name__ == "__main__":
    main()
