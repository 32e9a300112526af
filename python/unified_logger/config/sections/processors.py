"""Functions of the program that see each record before it is captured."""

from __future__ import annotations

from ..functions import FUNCTIONS
from ..options import Section, option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Processors(Section):
    """Functions that may change or drop records."""

    processors: tuple[Callable[[dict[str, Any]], Any], ...] = option(
        FUNCTIONS,
        (),
        "Functions that see each record as a mapping on the calling thread, in this order; see docs/processors.md.",
    )
