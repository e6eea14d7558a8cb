"""The checks of the chart, in the virtual environment that run.py made."""

from __future__ import annotations

import itertools
import subprocess
import sys
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "aws"))

import chains  # noqa: E402
import monitoring  # noqa: E402
import privileges  # noqa: E402
import validity  # noqa: E402
import helm_mcp  # noqa: E402
from helm import Helm, HelmError  # noqa: E402
from objects import Objects  # noqa: E402
from report import Report  # noqa: E402

ROOT = HERE.parents[2]
CHART = ROOT / "charts/s3-csi-driver"
VALUES = sorted((CHART / "examples/values").glob("*.yaml"))
WORKLOADS = sorted((CHART / "examples/workloads").glob("*.yaml"))

# The oldest that has a schema, those around the move of tokens into secrets, and the newest.
VERSIONS = ["1.25.0", "1.35.0", "1.36.0", "1.37.0"]
TOKENS_IN_SECRETS = VERSIONS[2:]


def main() -> None:
    report, binary = Report(), Path(sys.argv[1])
    packages = ("helm-mcp", "kubernetes-validate", "yamllint")
    print("versions:", ", ".join(f"{name} {metadata.version(name)}" for name in packages), flush=True)
    with Helm(Path(helm_mcp.__file__).parent / "bin/helm-mcp") as helm:
        for files in [[], *([file] for file in VALUES)]:
            report.subject = files[0].stem if files else "default"
            examine(report, helm, files, binary)
        report.subject = "monitoring"
        monitoring.check(report)
        [file] = [file for file in VALUES if file.stem == "monitoring"]
        monitoring.check_rendered(report, Objects(helm.template(CHART, [file], VERSIONS[-1])))
        report.subject = "chains"
        for name, credentials in chains.CASES.items():
            rendered = Objects(helm.template(CHART, [], VERSIONS[-1], values={"credentials": credentials}))
            chains.check_roles(report, name, rendered, binary)
        report.subject = "values"
        for name, values in WRONG.items():
            report.check(f"{name} is refused", is_refused(helm, values))
    report.subject = "workloads"
    for file, version in itertools.product(WORKLOADS, VERSIONS):
        validity.check(report, f"{file.name} is valid in {version}", Objects(file.read_text()), version)
    report.subject = "style"
    lint = [sys.executable, "-m", "yamllint", "--strict", "--config-file", HERE / "yamllint.yaml"]
    done = subprocess.run([*lint, *VALUES, *WORKLOADS, CHART / "values.yaml", CHART / "Chart.yaml"], capture_output=True, text=True)
    report.check("yamllint has no complaint", done.returncode == 0, done.stdout + done.stderr)
    sys.exit(report.close())


def examine(report: Report, helm: Helm, files: list[Path], binary: Path) -> None:
    linted = helm.lint(CHART, files)
    report.check("helm lint passes", '"passed": true' in linted, linted)
    for version in VERSIONS:
        rendered = Objects(helm.template(CHART, files, version))
        validity.check(report, f"each object is valid in {version}", rendered, version)
        in_secrets = rendered.one("CSIDriver")["spec"].get("serviceAccountTokenInSecrets", False)
        report.equal(f"tokens are in secrets from 1.36 on, in {version}", version in TOKENS_IN_SECRETS, in_secrets)
    privileges.check(report, rendered)
    chains.check_configuration(report, rendered, binary)
    chains.check_roles(report, "the roles", rendered, binary)


WRONG = {
    "a startup taint that is no key": {"node": {"startupTaint": "not ready"}},
    "an unknown key": {"nodes": {}},
    "a token that lasts less than ten minutes": {"csiDriver": {"tokenExpirationSeconds": 60}},
    "an unknown section of the credentials": {"credentials": {"chain": {}}},
    "a relative kubelet path": {"node": {"kubeletPath": "var/lib/kubelet"}},
}


def is_refused(helm: Helm, values: dict) -> bool:
    try:
        helm.template(CHART, [], VERSIONS[-1], values=values)
    except HelmError:
        return True
    return False


if __name__ == "__main__":
    main()
