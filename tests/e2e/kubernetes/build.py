"""kube-apiserver 1.20.2, built once from the sources of Debian 12.

Needs the packages golang-1.19-go, etcd-server and openssl, an apt that reaches Debian 12's archive, and 5 GB of disk while it builds.
The system stays unchanged: the list of source packages is a separate one.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path

GO = Path("/usr/lib/go-1.19/bin/go")
ARCHIVE = "kubernetes_1.20.5+really1.20.2.orig.tar.gz"
SHA256 = "b83c0780efb182d928dc63d46488a847f161f04e40a94b96bf5247dd671ecdfc"
FOLDER = "kubernetes-1.20.2"
PACKAGE = "k8s.io/kubernetes"


def prepare(cache: Path) -> Path:
    """Answers the binary; concurrent callers wait for one another."""
    for tool, package in ((str(GO), "golang-1.19-go"), ("etcd", "etcd-server"), ("openssl", "openssl")):
        if not shutil.which(tool):
            sys.exit(f"e2e kubernetes: {tool} is not there: apt-get install {package}")
    cache.mkdir(parents=True, exist_ok=True)
    binary = cache / "kube-apiserver"
    with open(cache / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not binary.exists():
            build(cache, binary)
    return binary


def build(cache: Path, binary: Path) -> None:
    gopath = cache / "gopath"
    source = gopath / "src" / PACKAGE
    shutil.rmtree(source, ignore_errors=True)
    source.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(download(cache)) as archive:
        archive.extractall(source.parent)
    (source.parent / FOLDER).rename(source)

    environment = {
        "PATH": f"{GO.parent}:{os.environ['PATH']}",
        "HOME": str(cache),
        "GOPATH": str(gopath),
        "GOCACHE": str(cache / "gocache"),
        "GO111MODULE": "off",
        "CGO_ENABLED": "0",
    }

    def run(*command: str) -> None:
        checked(command, source, environment)

    progress("generating the OpenAPI definitions")
    run("go", "build", "-o", str(cache / "openapi-gen"), f"./vendor/{generator()}")
    run(
        str(cache / "openapi-gen"),
        *("-i", ",".join(documented(source))),
        *("-p", f"{PACKAGE}/pkg/generated/openapi", "-O", "zz_generated.openapi"),
        *("-h", "hack/boilerplate/boilerplate.generatego.txt", "-r", os.devnull),
        *("--output-base", str(gopath / "src")),
    )
    progress("compiling kube-apiserver (10 minutes on two cores)")
    partial = binary.with_suffix(".partial")
    run("go", "build", "-o", str(partial), "./cmd/kube-apiserver")
    partial.rename(binary)
    # Sources and objects of the compiler are two gigabytes.
    shutil.rmtree(gopath)
    shutil.rmtree(cache / "gocache")
    progress("built")


def generator() -> str:
    return "k8s.io/kube-openapi/cmd/openapi-gen"


def documented(source: Path) -> list[str]:
    """The packages whose types are published, as `Makefile.generated_files` finds them."""
    left_out = ("/code-generator/", "/sample-apiserver/", "/testdata/")
    packages = set()
    for top in ("pkg", "vendor/k8s.io"):
        for folder, _, files in os.walk(source / top, followlinks=True):
            relative = os.path.relpath(folder, source)
            if any(part in f"/{relative}/" for part in left_out):
                continue
            sources = (Path(folder, name) for name in files if name.endswith(".go") and not name.endswith("_test.go"))
            if any(b"+k8s:openapi-gen=" in path.read_bytes() for path in sources):
                packages.add(f"{PACKAGE}/{relative}")
    return sorted(packages)


def download(cache: Path) -> Path:
    archive = cache / ARCHIVE
    if not archive.exists():
        progress("downloading the sources with apt (34 MB)")
        lists = cache / "lists"
        (lists / "partial").mkdir(parents=True, exist_ok=True)
        sources = cache / "deb-src.list"
        sources.write_text("".join(f"deb-src {uri} bookworm main\n" for uri in mirrors()))
        own = ("Dir::Etc::SourceList=" + str(sources), "Dir::Etc::SourceParts=/dev/null", f"Dir::State::Lists={lists}")
        apt = ["apt-get", "--quiet", *(word for option in own for word in ("--option", option))]
        checked([*apt, "update"], cache, os.environ)
        checked([*apt, "source", "--download-only", "kubernetes"], cache, os.environ)
    if hashlib.sha256(archive.read_bytes()).hexdigest() != SHA256:
        sys.exit(f"e2e kubernetes: {archive} is not the archive that this test was made for")
    return archive


def mirrors() -> list[str]:
    """Where this machine has the packages of Debian 12 from."""
    wanted = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages"]
    listed = subprocess.run(wanted, check=True, capture_output=True, text=True).stdout
    lines = (line.split() for line in listed.splitlines())
    found = sorted({uri for uri, release, component in lines if (release, component) == ("bookworm", "main")})
    if not found:
        sys.exit("e2e kubernetes: apt knows no archive of Debian 12 (bookworm), from which the sources are")
    return found


def checked(command: list[str] | tuple[str, ...], folder: Path, environment: Mapping[str, str]) -> None:
    ended = subprocess.run(command, cwd=folder, env=dict(environment), stdout=sys.stderr)
    if ended.returncode != 0:
        sys.exit(f"e2e kubernetes: {command[0]} ended with status {ended.returncode}")


def progress(message: str) -> None:
    print(f"e2e kubernetes: {message}", file=sys.stderr, flush=True)
