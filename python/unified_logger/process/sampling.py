"""Tells the core which traces are written where not all of them are, and where rules of sampling find the path of a request."""

from __future__ import annotations

from .. import _core
from ..context import request_path
from . import capabilities

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..config import Settings


def start(settings: Settings) -> None:
    """Samples the traces that begin from now on as the settings have it."""
    chosen, ratio, level = settings.sampled_traces or (None, 1.0, 0)
    _core.set_trace_sampling(chosen, ratio, level)
    rules = (settings.sampling_rules or {}).get("rules", ())
    request_path.want(any(condition["field"] == "path" for rule in rules for condition in rule["conditions"]))
    _core.set_request_path_variable(request_path.variable if request_path.wanted else None)


def stop() -> None:
    """Nothing: a trace stays whole until the process has ended."""


def in_child() -> None:
    """Nothing: a child samples as its parent does."""


capabilities.join(__name__)
