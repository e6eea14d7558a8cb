"""Whether objects are valid in a version of Kubernetes."""

from __future__ import annotations

import kubernetes_validate
from objects import Objects
from report import Report

# Their schemas are those of the Prometheus operator.
CUSTOM = {"monitoring.coreos.com/v1"}


def check(report: Report, sentence: str, objects: Objects, version: str) -> None:
    wrong = []
    for item in objects.all:
        if item["apiVersion"] in CUSTOM:
            continue
        try:
            kubernetes_validate.validate(item, version.rsplit(".", 1)[0], strict=True)
        except kubernetes_validate.ValidationError as error:
            wrong.append(f"{item['kind']} {item['metadata']['name']}: {error.message}")
    report.check(sentence, bool(objects.all) and not wrong, "\n".join(wrong) or "no object was rendered")
