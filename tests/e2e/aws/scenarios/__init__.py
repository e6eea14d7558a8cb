"""The scenarios, in the order in which they run. A new one is a module with `CASES`, and a line here."""

from __future__ import annotations

from scenarios import (
    canary_search,
    credential_process,
    driver_web_identity,
    endpoint,
    mountpoint,
    pod_web_identity,
    refusals,
    rotation,
    seams,
    secret_profile,
    server_checks,
)
from scenarios.world import Case

SCENARIOS: dict[str, dict[str, Case]] = {
    "server-checks": server_checks.CASES,
    "driver-web-identity": driver_web_identity.CASES,
    "pod-web-identity": pod_web_identity.CASES,
    "secret-profile": secret_profile.CASES,
    "credential-process": credential_process.CASES,
    "rotation": rotation.CASES,
    "endpoint": endpoint.CASES,
    "refusals": refusals.CASES,
    # Last: it searches what all the others made s3cred print.
    "canary-search": canary_search.CASES,
}

# Asked for by name: it needs Mountpoint, which is built from source.
MOUNTPOINT: dict[str, dict[str, Case]] = {"mountpoint": mountpoint.CASES, "canary-search": canary_search.CASES}

# Asked for by name: the adapters are a workspace of their own.
SEAMS: dict[str, dict[str, Case]] = {"seams": seams.CASES}
