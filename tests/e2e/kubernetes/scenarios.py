"""What `s3cred` does with Kubernetes, each scenario with a cluster of its own."""

from __future__ import annotations

import base64
import json
import os
import select
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import processes
from cluster import ISSUER, Cluster
from report import Report

NAMESPACE, ACCOUNT, POD = "tenant", "reader", "web-0"
ANNOTATION = "eks.amazonaws.com/role-arn"
READER = "arn:aws:iam::111122223333:role/reader"
WRITER = "arn:aws:iam::111122223333:role/writer"
AUDIENCE = "sts.amazonaws.com"
ANSWER_SECONDS = 30
# Longer than any time-out of a client between two words of a watch, of which the server sends one a
# minute.
SILENCE_SECONDS = 15


class Driver:
    """The binary, with a driver's environment and a volume."""

    def __init__(self, cluster: Cluster, binary: Path, folder: Path, uid: str) -> None:
        self._binary, self._folder, self._uid = binary, folder, uid
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "KUBECONFIG": str(cluster.kubeconfig()),
            "AWS_REGION": "eu-north-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        (folder / "write").mkdir()
        self._flags = ["--write-path", str(folder / "write"), "--state-path", str(folder / "state")]

    def configure(self, chains: dict[str, Any], sources: dict[str, Any]) -> None:
        path = self._folder / "config.json"
        path.write_text(json.dumps({"chains": chains, "sources": sources}))
        self._flags += ["--config", str(path)]

    def request(self, level: str, tokens: dict[str, Any] | None = None, volume: str = "v") -> str:
        context = {
            "authenticationSource": level,
            "csi.storage.k8s.io/pod.uid": self._uid,
            "csi.storage.k8s.io/pod.name": POD,
            "csi.storage.k8s.io/pod.namespace": NAMESPACE,
            "csi.storage.k8s.io/serviceAccount.name": ACCOUNT,
        }
        if tokens:
            context["csi.storage.k8s.io/serviceAccount.tokens"] = json.dumps(tokens)
        target = f"/var/lib/kubelet/pods/{self._uid}/volumes/kubernetes.io~csi/pv/mount"
        return json.dumps({"volumeId": volume, "targetPath": target, "volumeContext": context})

    def provide(self, request: str) -> tuple[int, dict[str, Any]]:
        command = [str(self._binary), "provide", "--request", "-", *self._flags]
        finished = processes.run(command, self._environment, stdin=request)
        return finished.status, json.loads(finished.stdout)

    @contextmanager
    def serve(self, request: str) -> Iterator[Serving]:
        path = self._folder / "request.json"
        path.write_text(request)
        command = [str(self._binary), "serve", "--request", str(path), *self._flags]
        with open(self._folder / "serve.log", "w") as log:
            process = subprocess.Popen(
                command, env=self._environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True
            )
        try:
            yield Serving(process, path)
        finally:
            process.terminate()
            process.communicate(timeout=ANSWER_SECONDS)


class Serving:
    def __init__(self, process: subprocess.Popen[str], request: Path) -> None:
        self._process, self._request = process, request

    def answer(self) -> dict[str, Any]:
        assert self._process.stdout
        if not select.select([self._process.stdout], [], [], ANSWER_SECONDS)[0]:
            raise TimeoutError("s3cred serve does not answer")
        answer: dict[str, Any] = json.loads(self._process.stdout.readline() or "{}")
        return answer

    def republish(self, request: str) -> dict[str, Any]:
        new = self._request.with_suffix(".new")
        new.write_text(request)
        os.replace(new, self._request)
        return self.answer()


def becomes(holds: Callable[[], bool]) -> bool:
    """Whether it comes true in time."""
    deadline = time.monotonic() + ANSWER_SECONDS
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.1)
    return False


def prepared(cluster: Cluster, binary: Path, folder: Path, annotations: dict[str, str]) -> Driver:
    cluster.namespace(NAMESPACE)
    cluster.service_account(NAMESPACE, ACCOUNT, annotations)
    return Driver(cluster, binary, folder, cluster.pod(NAMESPACE, POD, ACCOUNT))


def claims(answer: dict[str, Any]) -> dict[str, Any]:
    """Of the token that was delivered."""
    token = Path(answer["environment"]["AWS_WEB_IDENTITY_TOKEN_FILE"]).read_text()
    payload = token.split(".")[1]
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return decoded


def annotation(report: Report, cluster: Cluster, binary: Path, folder: Path) -> None:
    driver = prepared(cluster, binary, folder, {ANNOTATION: READER})
    request = driver.request("pod", {AUDIENCE: cluster.token(NAMESPACE, ACCOUNT, AUDIENCE)})
    status, answer = driver.provide(request)
    error = answer.get("error", {})
    report.equal("without the rule it is denied", (4, "permission-denied", False), (status, error.get("kind"), error.get("retryable")))
    report.check("the help names verb and resource", "`get` on `serviceaccounts`" in error.get("help", ""), str(error))

    cluster.grant("accounts", {"resources": ["serviceaccounts"], "verbs": ["get", "watch"]})
    # The server's authorizer learns of a rule by a watch of its own.
    report.require("with the rule it is provided", becomes(lambda: driver.provide(request)[0] == 0))
    status, answer = driver.provide(request)
    report.equal("the role is the annotation's", READER, answer["environment"].get("AWS_ROLE_ARN"))

    cluster.annotate(NAMESPACE, ACCOUNT, {ANNOTATION: ""})
    status, answer = driver.provide(request)
    report.equal("a live lease keeps its role", READER, answer.get("environment", {}).get("AWS_ROLE_ARN"))
    status, answer = driver.provide(driver.request("pod", volume="other", tokens={AUDIENCE: cluster.token(NAMESPACE, ACCOUNT, AUDIENCE)}))
    report.equal("without a role a new one is refused", (3, "no-source-applies"), (status, answer.get("error", {}).get("kind")))


def annotation_watch(report: Report, cluster: Cluster, binary: Path, folder: Path) -> None:
    driver = prepared(cluster, binary, folder, {ANNOTATION: READER})
    cluster.grant("accounts", {"resources": ["serviceaccounts"], "verbs": ["get", "watch"]})
    request = driver.request("pod", {AUDIENCE: cluster.token(NAMESPACE, ACCOUNT, AUDIENCE)})
    report.require("the rule is in force", becomes(lambda: driver.provide(request)[0] == 0))
    before = cluster.calls("get", "serviceaccounts")
    with driver.serve(request) as serving:
        report.equal("it is served", READER, serving.answer().get("environment", {}).get("AWS_ROLE_ARN"))
        serving.republish(request + " ")
        # From now on the account is watched.
        time.sleep(SILENCE_SECONDS)
        answer = serving.republish(request)
        report.equal("the role stays", False, answer.get("identityChanged", False))
        cluster.annotate(NAMESPACE, ACCOUNT, {ANNOTATION: WRITER})
        spaces = iter(range(1, 1000))
        changed = becomes(lambda: serving.republish(request + " " * next(spaces)).get("identityChanged") is True)
        report.check("another role is reported as a change of identity", changed)
    report.equal("one read serves all republishes", 1, cluster.calls("get", "serviceaccounts") - before)
    report.check("one watch outlives the silence", becomes(lambda: cluster.calls("watch", "serviceaccounts") == 1))


def token_request(report: Report, cluster: Cluster, binary: Path, folder: Path) -> None:
    driver = prepared(cluster, binary, folder, {ANNOTATION: READER})
    cluster.grant("accounts", {"resources": ["serviceaccounts"], "verbs": ["get"]})
    request = driver.request("pod")
    driver.configure({"pod": ["pod-token"]}, {"pod-token": {"requestTokens": "1h"}})
    denied = becomes(lambda: "create" in driver.provide(request)[1].get("error", {}).get("help", ""))
    report.check("without the rule the help names it", denied, str(driver.provide(request)))

    cluster.grant("tokens", {"resources": ["serviceaccounts/token"], "verbs": ["create"]})
    report.require("with the rule it is provided", becomes(lambda: driver.provide(request)[0] == 0))
    _, answer = driver.provide(request)
    token = claims(answer)
    report.equal("the token is of this issuer", ISSUER, token["iss"])
    report.equal("it is for STS", [AUDIENCE], token["aud"])
    report.equal("it is the account's", f"system:serviceaccount:{NAMESPACE}:{ACCOUNT}", token["sub"])
    report.equal("it is bound to the pod", POD, token["kubernetes.io"]["pod"]["name"])
    report.equal("it lasts an hour", 3600, token["exp"] - token["iat"])

    cluster.ask("DELETE", f"/api/v1/namespaces/{NAMESPACE}/pods/{POD}?gracePeriodSeconds=0")
    fresh = folder / "fresh"
    fresh.mkdir()
    gone = Driver(cluster, binary, fresh, "00000000-0000-0000-0000-000000000000")
    gone.configure({"pod": ["pod-token"]}, {"pod-token": {"requestTokens": "1h"}})
    status, answer = gone.provide(gone.request("pod"))
    error = answer.get("error", {})
    report.equal("a pod that is gone gets no token", (3, "not-found"), (status, error.get("kind")))


def secret_watch(report: Report, cluster: Cluster, binary: Path, folder: Path) -> None:
    driver = prepared(cluster, binary, folder, {})
    cluster.namespace("driver")
    cluster.secret("driver", "keys", {"key_id": "AKIAFIRST", "access_key": "first"})
    driver.configure({"driver": ["secret-watch"]}, {"secret-watch": {"namespace": "driver", "name": "keys"}})
    request = driver.request("driver")
    status, answer = driver.provide(request)
    error = answer.get("error", {})
    report.equal("without the rule it is denied", (4, "permission-denied"), (status, error.get("kind")))
    report.check("the help is the rule", '"resourceNames":["keys"]' in error.get("help", ""), str(error))

    # Only that one Secret.
    cluster.grant("secret", {"resources": ["secrets"], "resourceNames": ["keys"], "verbs": ["list", "watch"]}, "driver")
    report.require("with the rule for its name it is provided", becomes(lambda: driver.provide(request)[0] == 0))
    report.require("no watch is left", becomes(lambda: cluster.calls("watch", "secrets") == 1))
    lists = cluster.calls("list", "secrets")
    with driver.serve(request) as serving:
        answer = serving.answer()
        credentials = Path(answer["environment"]["AWS_SHARED_CREDENTIALS_FILE"])
        report.check("the keys are the Secret's", "AKIAFIRST" in credentials.read_text())
        time.sleep(SILENCE_SECONDS)
        cluster.change_secret("driver", "keys", {"key_id": "AKIASECOND", "access_key": "second"})
        rotated = becomes(lambda: "AKIASECOND" in credentials.read_text())
        report.check("a rotated Secret reaches the live volume without a publish", rotated)
        report.equal("one list does it", 1, cluster.calls("list", "secrets") - lists)
        cluster.ask("DELETE", "/api/v1/namespaces/driver/secrets/keys")
        answer = serving.republish(request + " ")
        error = answer.get("error", {})
        report.equal("a live lease whose Secret is gone can be retried", "UNAVAILABLE", error.get("code"))
        report.check("its keys stay", "AKIASECOND" in credentials.read_text())
    report.check("and one watch", becomes(lambda: cluster.calls("watch", "secrets") == 2))


ALL = (annotation, annotation_watch, token_request, secret_watch)
