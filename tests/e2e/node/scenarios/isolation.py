"""What each mount's process is and has, read from /proc; what it can read of another mount."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from stack import CANARY, Stack

from .volumes import publish, unpublish

FIRST_UID, LAST_UID = 65536, 131071


def isolation(stack: Stack) -> None:
    report = stack.report
    mounter, (node, driver) = stack.start_mounter(), stack.start_node()
    for number in range(3):
        report.equal("a volume is published", "OK", publish(stack, lambda: driver, number, 1))
    processes = stack.mount_processes()
    users = {}
    for name, pid in processes.items():
        process = Path(f"/proc/{pid}")
        status = dict(line.split(":\t", 1) for line in (process / "status").read_text().splitlines() if ":\t" in line)
        uids, gids = set(status["Uid"].split()), set(status["Gid"].split())
        report.equal("one uid and the same gid", (1, uids), (len(uids), gids))
        users[name] = int(uids.pop())
        report.check("of the range", FIRST_UID <= users[name] <= LAST_UID, str(users[name]))
        report.equal("no other group", "", status["Groups"].strip())
        report.equal("no capability", 0, int(status["CapEff"], 16))
        report.equal("a process group of its own", pid, os.getpgid(pid))
        environment = (process / "environ").read_text().strip("\0").split("\0")
        strange = [variable for variable in environment if not variable.startswith("AWS_")]
        report.equal("no variable but those of its plan", [], strange)
        report.check("no secret in them", CANARY not in str(environment))
        links = {int(link.name): os.readlink(link) for link in (process / "fd").iterdir()}
        more = {number: path for number, path in links.items() if number > 2 and path != "/dev/fuse"}
        report.equal("no descriptor but the FUSE one", {}, more)
        report.equal("and that once", 1, list(links.values()).count("/dev/fuse"))
    report.equal("no two have a user in common", 3, len(set(users.values())))
    for what, pid in {"node service": node.pid, "mounter": mounter.pid}.items():
        kept = [path for path in map(os.readlink, Path(f"/proc/{pid}/fd").iterdir()) if path == "/dev/fuse"]
        report.equal(f"the {what} keeps no copy of it", [], kept)

    own, other = list(processes)[:2]
    profile = next((stack.plugin / "credentials" / own).rglob("credentials"))
    report.check("a mount's user reads its own credentials", can_read(profile, users[own]))
    report.check("another mount's user does not", not can_read(profile, users[other]))
    report.check("nor does an ordinary user", not can_read(profile, 1000))
    mode = (stack.plugin / "credentials" / own).stat()
    report.equal("their directory has mode 0700 and this owner", (0o700, users[own]), (mode.st_mode & 0o777, mode.st_uid))
    for number in range(3):
        report.equal("it is unpublished", "OK", unpublish(stack, lambda: driver, number))
    stack.check_nothing_is_left()
    stack.check_logs()


def can_read(path: Path, user: int) -> bool:
    reader = subprocess.run(["cat", path], user=user, group=user, extra_groups=[], capture_output=True)
    return reader.returncode == 0
