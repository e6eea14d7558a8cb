"""One line a check, and the closing tally."""

from __future__ import annotations

import textwrap
from typing import Any


class Abandoned(Exception):
    """A check failed without which the rest of the case proves no property."""


class Report:
    def __init__(self) -> None:
        self.subject = ""
        self.passed = 0
        self.failed = 0

    def check(self, sentence: str, holds: bool, detail: str = "") -> bool:
        """`detail` is printed below a failed check."""
        print(f"{'ok  ' if holds else 'FAIL'} {self.subject}: {sentence}", flush=True)
        if holds:
            self.passed += 1
        else:
            self.failed += 1
            if detail:
                print(textwrap.indent(shorten(detail), "       "), flush=True)
        return holds

    def require(self, sentence: str, holds: bool, detail: str = "") -> None:
        if not self.check(sentence, holds, detail):
            raise Abandoned

    def equal(self, sentence: str, expected: Any, actual: Any) -> bool:
        return self.check(sentence, expected == actual, f"expected {expected!r}\n     got {actual!r}")

    def close(self) -> int:
        """Prints the tally and returns the exit status. A run without any check is a failure too."""
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        return 0 if self.passed and not self.failed else 1


def shorten(text: str, limit: int = 3000) -> str:
    # The end says what went wrong, in a traceback as in a trace log.
    text = text.strip()
    return text if len(text) <= limit else f"[...]{text[-limit:]}"
