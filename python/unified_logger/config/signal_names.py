"""Names of signals that a program may be sent from outside."""

from __future__ import annotations

import re

from ..errors import nearest_word
from .kinds import Kind, NotAllowedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SIGNALS = ("SIGHUP", "SIGUSR1", "SIGUSR2")


def _signal(value: Any) -> str:
    """The name of a signal, as the module `signal` has it; those of the real-time signals count from the first."""
    import signal

    first, last = getattr(signal, "SIGRTMIN", 0), getattr(signal, "SIGRTMAX", -1)
    if isinstance(value, str) and not value.strip().isdecimal():
        name = value.strip().upper()
        name = name if name.startswith("SIG") else f"SIG{name}"
        if name in _SIGNALS:
            return name
        found = re.fullmatch(r"SIGRT(MIN(?:\+(\d{1,2}))?|MAX(?:-(\d{1,2}))?)", name)
        if found is None:
            raise NotAllowedError(SIGNAL.allowed, nearest_word(name, _SIGNALS))
        number = last - int(found[3] or 0) if found[1].startswith("MAX") else first + int(found[2] or 0)
    else:
        number = int(value) if isinstance(value, str) else value
        if isinstance(number, bool) or not isinstance(number, int):
            raise ValueError
    name = next((name for name in _SIGNALS if getattr(signal, name, None) == number), "")
    if not name and not first <= number <= last:
        raise ValueError
    return name or f"SIGRTMIN+{number - first}"


SIGNAL = Kind(
    "signal",
    f"one of {', '.join(_SIGNALS)}, a real-time signal such as SIGRTMIN+1, or the number of one of these",
    _signal,
    _signal,
    {"type": ["string", "integer"], "examples": [*_SIGNALS]},
)
