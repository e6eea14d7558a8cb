"""Rendered Kubernetes objects."""

from __future__ import annotations

import yaml


class Objects:
    def __init__(self, text: str) -> None:
        self.all = [document for document in yaml.safe_load_all(text) if document]

    def of(self, kind: str) -> list[dict]:
        return [item for item in self.all if item["kind"] == kind]

    def one(self, kind: str, suffix: str = "") -> dict:
        found = [item for item in self.of(kind) if item["metadata"]["name"].endswith(suffix)]
        if len(found) != 1:
            raise LookupError(f"{len(found)} objects of the kind {kind} end in {suffix!r}; expected one")
        return found[0]
