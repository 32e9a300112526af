"""The endpoint at which metrics are scraped."""

from __future__ import annotations

import re

from ..kinds import Kind
from ..mappings import Stated
from ..options import Section, option
from ..scalars import switched

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..options import Given

_MOST = 65_535
# Where nothing else is said. The port is one of those that exporters of Prometheus use by convention.
_DEFAULTS = {"host": "127.0.0.1", "port": 9464, "path": "/metrics"}


def _port(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST:
        raise ValueError
    return value


def _host(value: Any) -> str:
    # A name of DNS, or an address; a zone of IPv6 follows %.
    if not isinstance(value, str) or not re.fullmatch(r"[0-9A-Za-z._:%-]{1,253}", value):
        raise ValueError
    return value


def _path(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"/[0-9A-Za-z._~!$&'()*+,;=:@/%-]{0,255}", value):
        raise ValueError
    return value


METRICS = switched("metrics")
PORT = Kind(
    "port",
    f"a whole number from 0 to {_MOST}; with 0 the system chooses a free port",
    _port,
    lambda text: _port(int(text)),
    {"type": "integer", "minimum": 0, "maximum": _MOST},
)
HOST = Kind(
    "host",
    "the name or the address of this host, without a port",
    _host,
    _host,
    {"type": "string", "minLength": 1, "maxLength": 253},
)
PATH = Kind(
    "URL path",
    "a path that begins with / and has neither ? nor #",
    _path,
    _path,
    {"type": "string", "pattern": "^/[^?#]*$", "maxLength": 256},
)


class Metrics(Section):
    """Where metrics are scraped."""

    metrics: Mapping[str, Any] | None = option(
        METRICS,
        False,
        "Whether metrics are answered over HTTP, and at which host, port and path; see docs/metrics.md.",
        layout=lambda: Stated({"host": HOST, "port": PORT, "path": PATH}),
    )

    @classmethod
    def settle(cls, given: Given) -> Mapping[str, Any]:
        """A source that outranks another replaces the keys that it gives, or turns it on or off."""
        metrics: dict[str, Any] | None = None
        for _, block in given.each("metrics"):
            if isinstance(block, bool):
                metrics = (metrics or {**_DEFAULTS}) if block else None
            else:
                metrics = {
                    **(metrics or _DEFAULTS),
                    **{key: value for key, value in block.items() if value is not None},
                }
        if metrics is not None and not given.values["use_unified_logging"]:
            given.add_notice("metrics has no effect where use_unified_logging is false: nothing is counted there")
            metrics = None
        return {"metrics": metrics}
