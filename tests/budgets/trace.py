"""Counts the system calls of a program, by part and by what they are about: `trace.py PROGRAM FOLDER` prints JSON.

For machines without strace. The program says where a part begins by a system call on the path `/.budgets/NAME`, and where the last
one ends by `/.budgets/`; see program.rs beside this file. What a call is about is read from its handle, or from its path where it
has none: the volume's own directory, the write path, the state path, or something else.
"""

import collections
import ctypes
import json
import os
import re
import signal
import subprocess
import sys

TRACEME, SYSCALL, SETOPTIONS, GET_SYSCALL_INFO = 0, 24, 0x4200, 0x420E
OPTION_SYSGOOD, OPTION_EXITKILL = 1, 0x100000
ENTRY, EXIT = 1, 2
AT_FDCWD = -100
F_GETFD = 1
MARK = "/.budgets/"
# Those whose first argument is a path.
OF_A_PATH = {"readlink", "stat", "lstat", "access", "unlink", "rename", "mkdir", "rmdir", "open"}
OF_NO_HANDLE = {"geteuid", "getegid", "getuid", "brk", "mmap", "munmap", "madvise", "futex", "getrandom", "clock_gettime"}


class SyscallInfo(ctypes.Structure):
    """`struct ptrace_syscall_info`, with the fields that are needed."""

    _fields_ = [
        ("op", ctypes.c_uint8),
        ("padding", ctypes.c_uint8 * 3),
        ("arch", ctypes.c_uint32),
        ("instruction_pointer", ctypes.c_uint64),
        ("stack_pointer", ctypes.c_uint64),
        # The number and the arguments at an entry; the result at an exit.
        ("words", ctypes.c_uint64 * 7),
    ]


libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


def ptrace(request, pid, address=0, data=0):
    result = libc.ptrace(request, pid, address, data)
    if result < 0:
        errno = ctypes.get_errno()
        raise OSError(errno, f"ptrace: {os.strerror(errno)}")
    return result


def syscall_names():
    """By number, from the system's own header."""
    run = subprocess.run(
        ["cc", "-E", "-dM", "-"], input="#include <sys/syscall.h>\n", capture_output=True, text=True, check=True
    )
    return {int(number): name for name, number in re.findall(r"#define __NR_(\w+) (\d+)\n", run.stdout)}


def text_at(pid, address):
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        memory.seek(address)
        found = b""
        while b"\0" not in found and len(found) < 4096:
            # Not beyond the page, behind which there may be no memory.
            found += memory.read(min(256, 4096 - (address + len(found)) % 4096))
    return found.split(b"\0")[0].decode(errors="replace")


def handle(word):
    return ctypes.c_int32(word & 0xFFFFFFFF).value


def about(pid, name, words):
    """The path that a call is about, as far as its first arguments name it."""
    if name in OF_NO_HANDLE:
        return ""
    if name in OF_A_PATH:
        return text_at(pid, words[0])
    if handle(words[0]) == AT_FDCWD:
        return text_at(pid, words[1])
    try:
        base = os.readlink(f"/proc/{pid}/fd/{handle(words[0])}")
    except OSError:
        return ""
    # What is opened counts as what it will be.
    return f"{base}/{text_at(pid, words[1])}" if name == "openat2" else base


def kind(path, folder):
    """The folder holds, one level down, the write path `write` and the state path `state`."""
    if not path.startswith(f"{folder}/"):
        return "other"
    parts = path.removeprefix(f"{folder}/").split("/")[1:]
    if parts[:1] == ["state"]:
        return "state"
    if parts[:1] == ["write"]:
        return "volume" if len(parts) > 1 else "write path"
    return "other"


def trace(program, folder):
    names = syscall_names()
    child = subprocess.Popen([program, folder], preexec_fn=lambda: libc.ptrace(TRACEME, 0, None, None))
    os.waitpid(child.pid, 0)
    ptrace(SETOPTIONS, child.pid, 0, OPTION_SYSGOOD | OPTION_EXITKILL)
    parts, part, passed_on = {}, None, 0
    while True:
        ptrace(SYSCALL, child.pid, 0, passed_on)
        _, status = os.waitpid(child.pid, 0)
        if os.WIFEXITED(status) or os.WIFSIGNALED(status):
            child.returncode = os.waitstatus_to_exitcode(status)
            return parts, child.returncode
        passed_on = 0
        if os.WSTOPSIG(status) != signal.SIGTRAP | 0x80:
            passed_on = os.WSTOPSIG(status)
            continue
        info = SyscallInfo()
        ptrace(GET_SYSCALL_INFO, child.pid, ctypes.sizeof(info), ctypes.addressof(info))
        if info.op != ENTRY:
            continue
        name, words = names.get(info.words[0], f"syscall {info.words[0]}"), info.words[1:]
        # An assertion of the standard library, in builds for debugging, before it closes a handle.
        if name == "fcntl" and words[1] == F_GETFD:
            continue
        path = about(child.pid, name, words)
        if path.startswith(MARK):
            part = path.removeprefix(MARK) or None
            if part:
                parts[part] = []
        elif part:
            parts[part].append([name, kind(path, folder)])


def main():
    parts, status = trace(*sys.argv[1:])
    if status:
        sys.exit(f"the program ended with {status}")
    counted = {
        part: {"count": collections.Counter(kind for _, kind in calls), "calls": calls} for part, calls in parts.items()
    }
    json.dump(counted, sys.stdout)


main()
