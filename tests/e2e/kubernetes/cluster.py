"""etcd and kube-apiserver, running for one scenario, and what an administrator does there."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

READY_SECONDS = 60
ADMIN = "admin-token"
DRIVER = "driver-token"
DRIVER_NAME = "s3-csi-driver"
ISSUER = "https://kubernetes.default.svc"


class Cluster:
    def __init__(self, url: str, folder: Path) -> None:
        self._url = url
        self._folder = folder
        self._trust = ssl.create_default_context(cafile=str(folder / "tls" / "apiserver.crt"))

    @classmethod
    @contextmanager
    def start(cls, server: Path, folder: Path) -> Iterator[Cluster]:
        etcd, peer, port = free_ports(3)
        key = folder / "service-accounts.pem"
        subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
        (folder / "tokens.csv").write_text(f'{ADMIN},admin,1,"system:masters"\n{DRIVER},{DRIVER_NAME},2\n')
        audit = {
            "apiVersion": "audit.k8s.io/v1",
            "kind": "Policy",
            "omitStages": ["RequestReceived"],
            "rules": [{"level": "Metadata", "users": [DRIVER_NAME]}, {"level": "None"}],
        }
        (folder / "audit.json").write_text(json.dumps(audit))
        commands = [
            [
                "etcd",
                *("--data-dir", str(folder / "etcd")),
                *("--listen-client-urls", f"http://127.0.0.1:{etcd}", "--advertise-client-urls", f"http://127.0.0.1:{etcd}"),
                *("--listen-peer-urls", f"http://127.0.0.1:{peer}"),
            ],
            [
                str(server),
                *("--etcd-servers", f"http://127.0.0.1:{etcd}"),
                *("--bind-address", "127.0.0.1", "--secure-port", str(port), "--cert-dir", str(folder / "tls")),
                *("--service-account-key-file", str(key), "--service-account-signing-key-file", str(key)),
                *("--service-account-issuer", ISSUER, "--service-cluster-ip-range", "10.0.0.0/24"),
                *("--token-auth-file", str(folder / "tokens.csv"), "--authorization-mode", "RBAC"),
                *("--audit-policy-file", str(folder / "audit.json"), "--audit-log-path", str(folder / "audit.log")),
                *("--endpoint-reconciler-type", "none"),
            ],
        ]
        with ExitStack() as stack:
            for command in commands:
                log = stack.enter_context(open(folder / f"{Path(command[0]).name}.log", "w"))
                process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder)
                stack.callback(end, process)
            yield cls.ready(f"https://127.0.0.1:{port}", folder)

    @classmethod
    def ready(cls, url: str, folder: Path) -> Cluster:
        deadline = time.monotonic() + READY_SECONDS
        while True:
            try:
                cluster = cls(url, folder)
                cluster.ask("GET", "/readyz")
                # Made by the server itself, some moments after it is ready.
                cluster.ask("GET", "/api/v1/namespaces/default")
                return cluster
            except (OSError, urllib.error.URLError):
                if time.monotonic() > deadline:
                    raise TimeoutError((folder / "kube-apiserver.log").read_text()[-3000:]) from None
                time.sleep(0.2)

    def kubeconfig(self, token: str = DRIVER) -> Path:
        server = {"server": self._url, "certificate-authority": str(self._folder / "tls" / "apiserver.crt")}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "e2e", "cluster": server}],
            "users": [{"name": "driver", "user": {"token": token}}],
            "contexts": [{"name": "e2e", "context": {"cluster": "e2e", "user": "driver"}}],
            "current-context": "e2e",
        }
        path = self._folder / f"kubeconfig-{token}"
        path.write_text(json.dumps(config))
        return path

    def ask(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> Any:
        request = urllib.request.Request(
            self._url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {ADMIN}", "Content-Type": kind},
        )
        with urllib.request.urlopen(request, context=self._trust, timeout=10) as answer:
            text = answer.read()
        return json.loads(text) if text.startswith(b"{") else text.decode()

    def create(self, path: str, name: str, **fields: Any) -> Any:
        return self.ask("POST", path, {"metadata": {"name": name}, **fields})

    def namespace(self, name: str) -> None:
        self.create("/api/v1/namespaces", name)

    def service_account(self, namespace: str, name: str, annotations: dict[str, str]) -> None:
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts"
        self.ask("POST", path, {"metadata": {"name": name, "annotations": annotations}})

    def annotate(self, namespace: str, name: str, annotations: dict[str, str]) -> None:
        patch = {"metadata": {"annotations": annotations}}
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}"
        self.ask("PATCH", path, patch, "application/merge-patch+json")

    def pod(self, namespace: str, name: str, account: str) -> str:
        """Answers its uid. It never runs: there is no kubelet."""
        container = {"name": "main", "image": "none"}
        spec = {"serviceAccountName": account, "automountServiceAccountToken": False, "containers": [container]}
        pod = self.create(f"/api/v1/namespaces/{namespace}/pods", name, spec=spec)
        uid: str = pod["metadata"]["uid"]
        return uid

    def token(self, namespace: str, account: str, audience: str) -> dict[str, str]:
        """As the kubelet puts it into a publish request."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
        spec = {"audiences": [audience], "expirationSeconds": 3600}
        status = self.ask("POST", path, {"spec": spec})["status"]
        return {"token": status["token"], "expirationTimestamp": status["expirationTimestamp"]}

    def secret(self, namespace: str, name: str, values: dict[str, str]) -> None:
        self.create(f"/api/v1/namespaces/{namespace}/secrets", name, stringData=values)

    def change_secret(self, namespace: str, name: str, values: dict[str, str]) -> None:
        path = f"/api/v1/namespaces/{namespace}/secrets/{name}"
        self.ask("PATCH", path, {"stringData": values}, "application/merge-patch+json")

    def grant(self, name: str, rule: dict[str, Any], namespace: str | None = None) -> None:
        """To the driver: in one namespace, or in all."""
        kind = "Role" if namespace else "ClusterRole"
        group = "/apis/rbac.authorization.k8s.io/v1"
        place = f"{group}/namespaces/{namespace}/" if namespace else f"{group}/cluster"
        role, binding = (f"{place}roles", f"{place}rolebindings")
        self.create(role, name, rules=[{"apiGroups": [""], **rule}])
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name}
        subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": DRIVER_NAME}
        self.create(binding, name, roleRef=reference, subjects=[subject])

    def calls(self, verb: str, resource: str) -> int:
        """The number of such calls of the driver that have ended; the server logs a watch only then."""
        count = 0
        for line in (self._folder / "audit.log").read_text().splitlines():
            event = json.loads(line)
            target = event.get("objectRef", {})
            called = "/".join(filter(None, (target.get("resource"), target.get("subresource"))))
            count += (event["stage"], event["verb"], called) == ("ResponseComplete", verb, resource)
        return count


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [it.getsockname()[1] for it in sockets]


def end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
