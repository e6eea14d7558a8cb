"""Reads `provide --output env` the way its users do: a POSIX shell evaluates it."""

from __future__ import annotations

import json
import sys

import processes

SHOW = "import json, os; print(json.dumps({k: v for k, v in os.environ.items() if k not in ('PWD', 'SHLVL', '_')}))"


def parse(lines: str) -> dict[str, str]:
    script = 'set -a; eval "$1"; exec "$2" -I -c "$3"'
    # `LC_CTYPE` is what Python itself adds where no locale is set.
    shown = processes.run(["/bin/sh", "-euc", script, "sh", lines, sys.executable, SHOW], {})
    if shown.status != 0:
        return {"not a shell's": str(shown)}
    return {name: value for name, value in json.loads(shown.stdout).items() if name != "LC_CTYPE"}
