"""The AWS account of the test: its OIDC provider, roles, user and buckets, made through the public API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from canaries import Canaries
from issuer import STS_AUDIENCE, Issuer, Pod
from server_process import ServerProcess

REGION = "eu-west-1"
ISSUER_URL = "https://oidc.e2e.test/id/CLUSTER"
FOREIGN_ISSUER_URL = "https://oidc.e2e.test/id/SOMEONE-ELSE"

DRIVER_POD = Pod("kube-system", "s3-csi-driver-sa", "s3-csi-node-x7k2p", "1d3c7a52-6a0e-4c8e-9d0b-4f1f6f1b0a01")
WORKLOAD_POD = Pod("tenant-a", "reader", "reader-0", "7f0e2f1c-3b5d-4d55-8a35-2c1d9f6f7b02")


@dataclass(frozen=True)
class Bucket:
    """Each principal may read exactly one bucket, so that what a client reads identifies its principal."""

    name: str
    key: str
    content: str


@dataclass(frozen=True)
class Role:
    arn: str
    bucket: Bucket


@dataclass(frozen=True)
class User:
    name: str
    bucket: Bucket
    access_key_id: str
    secret_access_key: str


class Cloud:
    def __init__(self, server: ServerProcess, issuer: Issuer, canaries: Canaries) -> None:
        self._server = server
        self._canaries = canaries
        self.endpoint = server.endpoint
        self.log = server.log
        self.issuer = issuer
        # It claims to be our issuer, with a key of its own.
        self.impostor = Issuer(ISSUER_URL, canaries)
        # Its key set is known, but the account has no provider for it.
        self.foreign_issuer = Issuer(FOREIGN_ISSUER_URL, canaries)

        canaries.plant("the administrator's secret key", server.administrator["secretAccessKey"])
        self._session = boto3.Session(
            server.administrator["accessKeyId"], server.administrator["secretAccessKey"], region_name=REGION
        )
        provider = self._client("iam").create_open_id_connect_provider(Url=ISSUER_URL, ClientIDList=[STS_AUDIENCE])
        self._provider_arn: str = provider["OpenIDConnectProviderArn"]
        self.driver_role = self._create_role("s3-csi-driver", DRIVER_POD)
        self.workload_role = self._create_role("tenant-a-reader", WORKLOAD_POD)
        self.user = self.create_user("tenant-b")

    @classmethod
    @contextmanager
    def start(cls, folder: Path, canaries: Canaries) -> Iterator[Cloud]:
        folder.mkdir()
        issuer = Issuer(ISSUER_URL, canaries)
        with ServerProcess.start(folder, {issuer.url: issuer.jwks()}) as server:
            yield cls(server, issuer, canaries)

    @contextmanager
    def clock_ahead(self, *, minutes: int) -> Iterator[None]:
        """The server's time is ahead within this block: what expires until then is expired."""
        self._server.set_clock_ahead(minutes * 60)
        try:
            yield
        finally:
            self._server.set_clock_ahead(0)

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """No request is answered within this block."""
        with self._server.suspended():
            yield

    def allow_writes(self, role: Role) -> None:
        """The role may write to its bucket from now on."""
        statement = {"Effect": "Allow", "Action": ["s3:PutObject"], "Resource": [f"arn:aws:s3:::{role.bucket.name}/*"]}
        name = role.arn.rpartition("/")[2]
        self._client("iam").put_role_policy(RoleName=name, PolicyName="write", PolicyDocument=policy(statement))

    def rotate_access_key(self, user: User) -> User:
        """Deletes the user's key, and answers the user with a new one."""
        self._client("iam").delete_access_key(UserName=user.name, AccessKeyId=user.access_key_id)
        return self._with_access_key(user.name, user.bucket)

    def _create_role(self, name: str, trusted: Pod) -> Role:
        issuer = ISSUER_URL.removeprefix("https://")
        trust = {
            "Effect": "Allow",
            "Principal": {"Federated": self._provider_arn},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {f"{issuer}:sub": trusted.subject, f"{issuer}:aud": STS_AUDIENCE}},
        }
        iam = self._client("iam")
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))
        bucket = self._create_bucket(name)
        iam.put_role_policy(RoleName=name, PolicyName="read", PolicyDocument=policy(may_read(bucket)))
        return Role(role["Role"]["Arn"], bucket)

    def create_user(self, name: str) -> User:
        iam = self._client("iam")
        iam.create_user(UserName=name)
        bucket = self._create_bucket(name)
        iam.put_user_policy(UserName=name, PolicyName="read", PolicyDocument=policy(may_read(bucket)))
        return self._with_access_key(name, bucket)

    def _with_access_key(self, name: str, bucket: Bucket) -> User:
        key = self._client("iam").create_access_key(UserName=name)["AccessKey"]
        secret = self._canaries.plant(f"the secret of {key['AccessKeyId']}", key["SecretAccessKey"])
        return User(name, bucket, key["AccessKeyId"], secret)

    def _create_bucket(self, owner: str) -> Bucket:
        bucket = Bucket(f"data-of-{owner}", "folder/object.txt", f"only {owner} may read this\n")
        s3 = self._client("s3")
        s3.create_bucket(Bucket=bucket.name, CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_object(Bucket=bucket.name, Key=bucket.key, Body=bucket.content.encode())
        return bucket

    def _client(self, service: str) -> Any:
        return self._session.client(service, endpoint_url=self.endpoint)


def may_read(bucket: Bucket) -> dict[str, Any]:
    arn = f"arn:aws:s3:::{bucket.name}"
    return {"Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetObject"], "Resource": [arn, f"{arn}/*"]}


def policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
