"""The rendered configuration, and the roles that follow from it: `s3cred` is the judge of both."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

from objects import Objects
from report import Report

# Chains whose needs differ: each is rendered, and compared with the diagnosis of `s3cred doctor`.
CASES = {
    "no annotation": {"sources": {"pod-token": {"roles": ["mapping"]}}},
    "annotations that are not watched": {"sources": {"pod-token": {"watchAnnotations": False}}},
    "tokens that the driver requests": {"sources": {"pod-token": {"requestTokens": "1h"}}},
    "a pod chain without tokens": {"chains": {"pod": ["pod-identity"]}},
    "a node's label as the region": {"chains": {"region": ["environment", "node-label"]}},
    "a Secret that is watched": {
        "chains": {"driver": ["secret-watch"]},
        "sources": {"secret-watch": {"name": "keys", "namespace": "s3"}},
    },
    "two Secrets, one in the pod's namespace": {
        "chains": {"driver": [{"name": "a"}], "secret": ["secret-request", "b"]},
        "sources": {
            "a": {"type": "secret-watch", "name": "keys", "namespace": "team-a"},
            "b": {"type": "secret-watch", "name": "keys", "podNamespace": True},
        },
    },
    "settings of a source that no chain names": {"chains": {"pod": ["pod-identity"]}, "sources": {"pod-token": {"requestTokens": "1h"}}},
}

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: none
contexts: [{name: none, context: {cluster: none, user: none}}]
clusters: [{name: none, cluster: {server: "http://127.0.0.1:9"}}]
users: [{name: none, user: {}}]
"""


def check_configuration(report: Report, rendered: Objects, binary: Path) -> None:
    done = subprocess.run([binary, "config", "check", "-"], input=configuration(rendered), capture_output=True, text=True, env={})
    report.check("the rendered configuration has no error", done.returncode == 0, done.stdout + done.stderr)


def check_roles(report: Report, name: str, rendered: Objects, binary: Path) -> None:
    expected = needed(rendered, binary) | of_service(rendered)
    report.equal(f"{name}: the roles are what the chains and the service need, and no more", expected, granted(rendered))


def of_service(rendered: Objects) -> set[str]:
    """What the service itself writes: events, and its node where it has a startup taint."""
    [container] = rendered.one("DaemonSet", "-node")["spec"]["template"]["spec"]["containers"]
    has_taint = any(argument.startswith("--startup-taint=") for argument in container["args"])
    return {"create events"} | ({"get nodes", "patch nodes"} if has_taint else set())


def configuration(rendered: Objects) -> str:
    return rendered.one("ConfigMap", "-credentials")["data"]["config.yaml"]


def needed(rendered: Objects, binary: Path) -> set[str]:
    """What `s3cred doctor` would ask a cluster about. It lists that as skipped, since no server answers at the cluster's address."""
    with tempfile.TemporaryDirectory(prefix="s3cred-e2e-") as folder:
        file = Path(folder) / "config.yaml"
        file.write_text(configuration(rendered))
        cluster = Path(folder) / "kubeconfig"
        cluster.write_text(KUBECONFIG)
        # No service is asked: IMDS is off, and STS has an address at which no server answers.
        environment = {
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:9",
            "CSI_NODE_NAME": "node-1",
            "KUBECONFIG": str(cluster),
        }
        command = [binary, "doctor", "--config", file, "--state-path", f"{folder}/state", "--output", "json"]
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
    checks = json.loads(done.stdout)["checks"]
    return {
        check["name"].removeprefix("rbac ")
        for check in checks
        if check["name"].startswith("rbac ") and check["reason"] == "there is no Kubernetes API to ask"
    }


def granted(rendered: Objects) -> set[str]:
    """The rules of the rendered roles, as `kubectl auth can-i` takes them. A role that is not bound grants no access."""
    bound = {(item["roleRef"]["kind"], item["metadata"].get("namespace")) for kind in ("RoleBinding", "ClusterRoleBinding") for item in rendered.of(kind)}
    found = set()
    for role in rendered.of("Role") + rendered.of("ClusterRole"):
        namespace = role["metadata"].get("namespace")
        if (role["kind"], namespace) not in bound:
            continue
        for rule in role["rules"]:
            found |= words(rule, namespace)
    return found


def words(rule: dict, namespace: str | None) -> set[str]:
    place = f" -n {namespace}" if namespace else ""
    return {
        f"{verb} {resource}{'.' + group if group else ''}{'/' + name if name else ''}{place}"
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
        for name in rule.get("resourceNames", [""])
    }
