"""Alerts and dashboard: promtool judges them, and the page of metrics has every name that they use."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import yaml
from objects import Objects
from report import Report

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
FILES = ROOT / "charts/s3-csi-driver/files"
DOCUMENTATION = ROOT / "docs/operators/metrics.md"

NAME = re.compile(r"\b(?:s3_csi_[a-z_0-9]+|csi_plugin_[a-z_]+)")
# The variables of a dashboard, and values that stand for them.
VARIABLES = {"$instance": ".*", "${datasource}": "prometheus"}


def check(report: Report) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        report.check("promtool is installed (Debian package `prometheus`)", False)
        return
    rules = yaml.safe_load((FILES / "rules.yaml").read_text())
    alerts = [rule for group in rules["groups"] for rule in group["rules"]]
    dashboard = json.loads((FILES / "dashboard.json").read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    with tempfile.TemporaryDirectory(prefix="s3cred-e2e-") as folder:
        directory = Path(folder)
        shutil.copy(FILES / "rules.yaml", directory)
        shutil.copy(HERE / "rules_test.yaml", directory)
        run(report, "promtool accepts the alerts", promtool, "check", "rules", directory / "rules.yaml")
        run(report, "the unit tests of the alerts pass", promtool, "test", "rules", directory / "rules_test.yaml")
        # A query of the dashboard is PromQL if it can be a recording rule.
        recorded = [{"record": f"query:{number}", "expr": plain(query)} for number, query in enumerate(queries)]
        (directory / "queries.yaml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": recorded}]}))
        run(report, "promtool accepts the queries of the dashboard", promtool, "check", "rules", directory / "queries.yaml")
    tested = (HERE / "rules_test.yaml").read_text()
    untested = [rule["alert"] for rule in alerts if f"alertname: {rule['alert']}\n" not in tested]
    report.equal("each alert has a test in which it fires", [], untested)
    known = set(re.findall(r"^\| `([a-z_0-9]+)`", DOCUMENTATION.read_text(), re.MULTILINE))
    used = {base(name) for text in [*queries, *(rule["expr"] for rule in alerts)] for name in NAME.findall(text)}
    report.equal("each metric of an alert or a query is documented", set(), used - known)
    report.equal("each documented metric is on the dashboard", set(), known - {base(name) for text in queries for name in NAME.findall(text)})


def check_rendered(report: Report, rendered: Objects) -> None:
    rules = yaml.safe_load((FILES / "rules.yaml").read_text())
    report.equal("the PrometheusRule has the alerts", rules, rendered.one("PrometheusRule")["spec"])
    data = rendered.one("ConfigMap", "-dashboard")["data"]["s3-csi-driver.json"]
    report.equal("the ConfigMap has the dashboard", json.loads((FILES / "dashboard.json").read_text()), json.loads(data))
    monitor = rendered.one("ServiceMonitor")["spec"]
    service = rendered.one("Service", "-metrics")
    labels = monitor["selector"]["matchLabels"].items()
    report.check("the ServiceMonitor selects the service", labels <= service["metadata"]["labels"].items())
    node = rendered.one("DaemonSet", "-node")["spec"]["template"]
    report.check("the service selects the node pods", service["spec"]["selector"].items() <= node["metadata"]["labels"].items())


def run(report: Report, sentence: str, *command: object) -> None:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    report.check(sentence, done.returncode == 0, done.stdout + done.stderr)


def plain(query: str) -> str:
    for variable, value in VARIABLES.items():
        query = query.replace(variable, value)
    return query


def base(name: str) -> str:
    """The family of a series of a histogram."""
    return re.sub(r"_(?:bucket|sum|count)$", "", name)
