"""The secrets that were planted or handed out, and the search for any recognisable part of them."""

from __future__ import annotations

import base64
from urllib.parse import quote


class Canaries:
    def __init__(self) -> None:
        self._fragments: dict[str, str] = {}

    def plant(self, name: str, secret: str) -> str:
        """Remembers `secret`, in the spellings in which a log could show it, and answers it."""
        parts = [secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode()]
        if secret.count(".") == 2:
            # A token without its signature, or the signature alone, is a leak as well. The header
            # is no secret.
            parts += secret.split(".")[1:]
        # A careless mask shows an end.
        parts += [secret[-16:], *([] if secret.count(".") == 2 else [secret[:16]])]
        self._fragments.update((part, name) for part in parts)
        return secret

    def found_in(self, text: str) -> list[str]:
        """The names of the secrets of which `text` shows a part."""
        return sorted({name for fragment, name in self._fragments.items() if fragment in text})
