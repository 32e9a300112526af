"""What happens to a program that logs, a module for each family. A module adds its events to EVENTS."""

from __future__ import annotations

from .disk import EVENTS as DISK
from .ends import EVENTS as ENDS
from .event import Event
from .messages import EVENTS as MESSAGES
from .overload import EVENTS as OVERLOAD
from .processes import EVENTS as PROCESSES
from .reentrancy import EVENTS as REENTRANCY

__all__ = ["ALL", "FAMILIES", "Event"]

FAMILIES: dict[str, list[Event]] = {
    "How a process ends": ENDS,
    "Children and several processes": PROCESSES,
    "The disk": DISK,
    "What is logged": MESSAGES,
    "Where it is logged from": REENTRANCY,
    "Overload": OVERLOAD,
}
ALL = {event.name: event for family in FAMILIES.values() for event in family}
