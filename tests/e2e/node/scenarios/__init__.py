"""The scenarios, in their order."""

from __future__ import annotations

from collections.abc import Callable

from stack import Stack

from .codes import codes
from .crash import crash
from .isolation import isolation
from .many import many
from .mountpoint import mountpoint
from .restarts import restarts
from .start import start
from .upgrade import upgrade

SCENARIOS: dict[str, Callable[[Stack], None]] = {
    "start": start,
    "codes": codes,
    "isolation": isolation,
    "many": many,
    "restarts": restarts,
    "upgrade": upgrade,
    "crash": crash,
}
# Instead of the others, where the program is Mountpoint's own.
MOUNTPOINT: dict[str, Callable[[Stack], None]] = {"mountpoint": mountpoint}
