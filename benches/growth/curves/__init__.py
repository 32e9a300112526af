"""All curves, a module for each family. A module adds its own to CURVES."""

from __future__ import annotations

from ..curve import Curve
from .context import CURVES as CONTEXT
from .directory import CURVES as DIRECTORY
from .exceptions import CURVES as EXCEPTIONS
from .fields import CURVES as FIELDS
from .messages import CURVES as MESSAGES
from .nested import CURVES as NESTED
from .outputs import CURVES as OUTPUTS
from .processes import CURVES as PROCESSES
from .queue import CURVES as QUEUE
from .sites import CURVES as SITES
from .threads import CURVES as THREADS

__all__ = ["ALL", "SHORT"]

ALL: dict[str, Curve] = {
    curve.name: curve
    for curve in [
        *FIELDS,
        *MESSAGES,
        *NESTED,
        *CONTEXT,
        *EXCEPTIONS,
        *SITES,
        *THREADS,
        *PROCESSES,
        *OUTPUTS,
        *QUEUE,
        *DIRECTORY,
    ]
}
# Those of the shortest run.
SHORT = ["fields", "context"]
