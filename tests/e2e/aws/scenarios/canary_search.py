"""No token and no secret key in anything that s3cred printed, at the most talkative log level."""

from __future__ import annotations

from processes import Finished
from scenarios.world import Case, World


def search(world: World) -> None:
    runs = world.s3cred.runs
    leaks = {f"{run.command[1]}, stderr": found for run in runs if (found := world.canaries.found_in(run.stderr))}
    logged = sum(len(run.stderr) for run in runs)
    world.report.check(f"RUST_LOG=trace makes {len(runs)} runs talk ({logged} characters)", logged > 0)
    world.report.equal("no secret shows up on stderr", {}, leaks)
    silent = [run for run in runs if run.status != 0 or not asked_for_keys(run)]
    leaks = {f"{run.command[1]}, stdout": found for run in silent if (found := world.canaries.found_in(run.stdout))}
    world.report.equal("no secret shows up on stdout where none was asked for", {}, leaks)


def asked_for_keys(run: Finished) -> bool:
    return run.command[1] == "process" or "--reveal" in run.command


CASES: dict[str, Case] = {"all runs": search}
