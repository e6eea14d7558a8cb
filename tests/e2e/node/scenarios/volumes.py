"""Many volumes at once, as the kubelet publishes them: a call that may be tried again is tried again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import client
from stack import CANARY, Stack

DEADLINE = 180


def key_of(number: int, generation: int) -> str:
    return f"AKIA{generation:04d}{number:012d}"


def publish(stack: Stack, driver: Callable[[], client.Client], number: int, generation: int) -> str:
    volume = f"v{number}"
    call = client.request(volume, stack.target(volume), key_of(number, generation), f"{CANARY}-{number}-{generation}")
    return until_final(lambda: driver().publish(call))


def unpublish(stack: Stack, driver: Callable[[], client.Client], number: int) -> str:
    volume = f"v{number}"
    return until_final(lambda: driver().unpublish(volume, stack.target(volume)))


def until_final(call: Callable[[], str]) -> str:
    end = time.monotonic() + DEADLINE
    while (code := call()) in client.RETRYABLE and time.monotonic() < end:
        time.sleep(0.1)
    return code


@contextmanager
def reading(read: Callable[[], str], expected: str) -> Iterator[list[str]]:
    """Reads without a pause, and yields the failures; complete once the block has ended."""
    stopping, failures = threading.Event(), []

    def keep_reading() -> None:
        while not stopping.is_set():
            try:
                if read() != expected:
                    failures.append("other content")
            except OSError as error:
                failures.append(str(error))

    reader = threading.Thread(target=keep_reading)
    reader.start()
    try:
        yield failures
    finally:
        stopping.set()
        reader.join()


def at_once(work: Callable[[int], str], numbers: Iterable[int]) -> list[str]:
    """The different answers."""
    with ThreadPoolExecutor(64) as pool:
        return sorted(set(pool.map(work, numbers)))


def read(stack: Stack, number: int) -> str:
    with open(f"{stack.target(f'v{number}')}/object") as file:
        return file.read()


def shown(stack: Stack, generation: int) -> list[int]:
    """The volumes that do not show the key of this generation."""
    return [number for number in range(stack.volumes) if read(stack, number) != key_of(number, generation)]
