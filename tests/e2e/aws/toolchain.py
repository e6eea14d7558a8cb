"""The virtual environment with the pinned clients and server, made once for each content of requirements.txt."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
import venv
from pathlib import Path

# What the pinned moto and boto3 ask for.
OLDEST_PYTHON = (3, 10)


def prepare(cache: Path, requirements: Path) -> Path:
    """Answers the interpreter of a complete environment; concurrent callers wait for one another."""
    cache.mkdir(parents=True, exist_ok=True)
    home = cache / f"venv-{fingerprint(requirements)}"
    complete = home / "complete"
    with open(cache / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not complete.exists():
            # Without the marker an earlier run was interrupted: its content cannot be relied on.
            shutil.rmtree(home, ignore_errors=True)
            install(home, requirements)
            complete.touch()
    return interpreter(home)


def fingerprint(requirements: Path) -> str:
    # The interpreter is part of the key: an environment holds links to it and wheels built for it.
    content = requirements.read_bytes() + sys.version.encode() + sys.executable.encode()
    return hashlib.sha256(content).hexdigest()[:16]


def interpreter(home: Path) -> Path:
    return home / "bin" / "python"


def install(home: Path, requirements: Path) -> None:
    progress(f"making a virtual environment in {home} (once)")
    try:
        venv.create(home, with_pip=True)
    except subprocess.CalledProcessError as error:
        sys.exit(f"e2e: no virtual environment: {error}; Debian and Ubuntu have it in the package python3-venv")
    progress("installing the pinned packages with pip (about a minute)")
    pip = [str(interpreter(home)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    installed = subprocess.run([*pip, "--requirement", str(requirements)], stdout=sys.stderr)
    if installed.returncode != 0:
        sys.exit(f"e2e: pip ended with status {installed.returncode}")
    progress("installed")


def progress(message: str) -> None:
    print(f"e2e: {message}", file=sys.stderr, flush=True)
