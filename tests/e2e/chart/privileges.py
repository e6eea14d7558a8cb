"""What the two DaemonSets may do on a node."""

from __future__ import annotations

from objects import Objects
from report import Report


def check(report: Report, rendered: Objects) -> None:
    mounter = rendered.one("DaemonSet", "-mounter")["spec"]["template"]["spec"]
    node = rendered.one("DaemonSet", "-node")["spec"]["template"]["spec"]
    [container] = mounter["containers"]
    context = container["securityContext"]
    report.equal("the mounter has three capabilities", {"drop": ["ALL"], "add": ["SETUID", "SETGID", "KILL"]}, context["capabilities"])
    report.check("the mounter is not privileged", context["privileged"] is False and context["allowPrivilegeEscalation"] is False)
    report.check("the mounter's root is read-only", context["readOnlyRootFilesystem"] is True)
    report.check("the mounter has no token", mounter["automountServiceAccountToken"] is False)
    report.check("the mounter has a network of its own", not any(mounter.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")))
    names = {entry["name"] for entry in container["env"]}
    report.check("the mounter's environment has no credentials", not any(name.startswith("AWS_") for name in names), str(names))
    writable = [mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")]
    report.check("the mounter writes to its own directory and /tmp", all(path.endswith(("/mounter", "/tmp")) for path in writable), str(writable))
    report.check("the mounter's accounts have no role", not bindings(rendered, mounter["serviceAccountName"]))
    report.check("the node service sees no process of the host", not any(node.get(key) for key in ("hostPID", "hostIPC")))
    [service] = node["containers"]
    shared = {mount["mountPath"] for mount in service["volumeMounts"] if mount.get("mountPropagation") == "Bidirectional"}
    expected = {"/var/lib/kubelet/pods", "/var/lib/kubelet/plugins/s3.csi.aws.com"}
    report.equal("mounts reach the host from two directories", expected, shared)


def bindings(rendered: Objects, account: str) -> list[dict]:
    every = rendered.of("ClusterRoleBinding") + rendered.of("RoleBinding")
    return [binding for binding in every if any(subject["name"] == account for subject in binding["subjects"])]
