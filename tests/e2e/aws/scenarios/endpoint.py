"""The loopback endpoint is read in a loop, across a rotation and an outage of STS, without one failure."""

from __future__ import annotations

from cloud import WORKLOAD_POD
from scenarios import expect
from scenarios.world import Case, World
from serving import Serving
from volume import with_tokens

TURNS = 9

# Keys are fetched again as soon as the kubelet brings a token: otherwise a rotation would be 50
# minutes away.
ALWAYS_DUE = "rotation: {endpointMargin: 1h}"


def read_in_a_loop(world: World) -> None:
    volume = world.pod_volume("endpoint")
    before = volume.snapshot()
    config = volume.folder / "config.yaml"
    config.write_text(ALWAYS_DUE)
    flags = ["--config", str(config), "--delivery", "endpoint", "--mount-kind", "systemd", "--consumer", "sdk", *world.role]
    with Serving.start(world.s3cred.binary, volume, world.s3cred.base_environment, *flags) as serving:
        provided = serving.answer()
        environment = provided.get("environment", {})
        world.report.require("serve provides by the endpoint", provided.get("delivery") == "endpoint", str(provided))
        seen: dict[str, set[str | None]] = {}
        for turn in range(TURNS):
            if turn == TURNS // 3:
                volume.secrets = with_tokens(world.cloud.issuer.token(WORKLOAD_POD))
                again = serving.republish(volume)
                world.report.equal("the environment stays the same", environment, again.get("environment"))
            if turn == 2 * TURNS // 3:
                with world.cloud.suspended():
                    all_clients_find_keys(world, environment, " while STS does not answer", seen)
            all_clients_find_keys(world, environment, f" in turn {turn + 1}", seen)
        for client, keys in seen.items():
            world.report.equal(f"{client} has seen one rotation", 2, len(keys))
        expect.clients_read(world, world.cloud.workload_role.bucket, environment, " by the endpoint")
    world.report.equal("after SIGTERM the write path is as it was before", before, volume.snapshot())
    expect.clients_fail(world, world.cloud.workload_role.bucket, environment, "after SIGTERM")


def all_clients_find_keys(world: World, environment: dict[str, str], when: str, seen: dict[str, set[str | None]]) -> None:
    for client, key, run in world.clients.access_keys(environment):
        world.report.check(f"{client} gets keys{when}", key is not None, str(run))
        seen.setdefault(client, set()).add(key)


CASES: dict[str, Case] = {"read in a loop": read_in_a_loop}
