"""boto3 with its default credential chain: prints the access key id that it finds; the suite runs it."""

from __future__ import annotations

import sys

import boto3
from botocore.exceptions import BotoCoreError


def main() -> None:
    try:
        credentials = boto3.Session().get_credentials()
        if credentials is None:
            sys.exit("no credentials")
        print(credentials.get_frozen_credentials().access_key)
    except BotoCoreError as error:
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
