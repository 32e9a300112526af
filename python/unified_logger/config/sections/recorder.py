"""Options of the flight recorder: what waits with its trace, and when it is written."""

from __future__ import annotations

from ... import levels
from ...errors import ConfigurationError
from ..kinds import LEVEL, RATE, SECONDS, SECRET, SIZE
from ..mappings import Stated
from ..options import Section, derived, option
from ..scalars import switched

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..options import Given

    # What is recorded, as the core takes it: two numbers of levels, seconds, a share, and bytes of a trace and of all.
    Recorded = tuple[int, int, float | None, float, int, int]

_KIB = 1 << 10
_DEBUG, _ERROR = 10, 40
# Fewer bytes hold no record worth the name.
_LEAST_BYTES = 4 * _KIB
_TRACE_BYTES = 256 * _KIB
# Where nothing else is said, traces hold so much of the black box: the rest is for records on their way.
_SHARE_OF_BOX = 4
_LARGEST_SHARE = 3


class Recorder(Section):
    """The flight recorder."""

    recorder: Mapping[str, Any] | bool = option(
        switched("recorder"),
        False,
        "Whether records that would be left out wait with their trace and are written if it fails, and when else; see docs/recorder.md.",
        layout=lambda: Stated(
            {
                "level": LEVEL,
                "trigger": LEVEL,
                "slow": SECONDS,
                "background_rate": RATE,
                "trace_bytes": SIZE,
                "bytes": SIZE,
            }
        ),
    )
    recorder_secret: str | None = option(
        SECRET,
        None,
        "What a request has to send in X-Debug-Log to have all records of its trace written.",
        hidden=True,
    )
    # None where nothing is recorded.
    recorded: Recorded | None = derived()

    @classmethod
    def settle(cls, given: Given) -> Mapping[str, Any]:
        """A source that outranks another replaces the keys that it gives, or turns it on or off."""
        block: dict[str, Any] | None = None
        for _, one in given.each("recorder"):
            if isinstance(one, bool):
                block = (block or {}) if one else None
            else:
                block = {**(block or {}), **{key: value for key, value in one.items() if value is not None}}
        if block is not None and not given.values["use_unified_logging"]:
            given.add_notice("recorder has no effect where use_unified_logging is false: nothing waits there")
            block = None
        if block is None and given.has("recorder_secret"):
            given.add_notice("recorder_secret has no effect: recorder is off")
        if block is None:
            return {"recorder": False, "recorded": None}
        return {"recorder": block, "recorded": _recorded(block, given)}


def _recorded(block: Mapping[str, Any], given: Given) -> Recorded:
    """The block with its defaults. Each of its keys by itself is checked already."""
    box: int = given.values["black_box_bytes"]
    level, trigger = block.get("level", _DEBUG), block.get("trigger", _ERROR)
    most = block.get("bytes", box // _SHARE_OF_BOX)
    of_trace = block.get("trace_bytes", min(_TRACE_BYTES, most))
    if trigger <= level:
        allowed = f"a level above that of recorder.level, {levels.name_of(level)}"
        raise _refused(given, "trigger", levels.name_of(trigger), allowed)
    if not _LEAST_BYTES <= most <= box // _LARGEST_SHARE:
        bounds = f"{_LEAST_BYTES} to {box // _LARGEST_SHARE} bytes: a third of black_box_bytes at most"
        raise _refused(given, "bytes", most, bounds)
    if not _LEAST_BYTES <= of_trace <= most:
        raise _refused(given, "trace_bytes", of_trace, f"{_LEAST_BYTES} bytes to those of recorder.bytes, {most}")
    written = max(given.values["log_level"], *given.values["levels"].values(), 0)
    if level >= written and not given.by_handler and not given.has("sampling"):
        given.add_notice(
            f"recorder has nothing to keep: records from {levels.name_of(level)} on, the recorder.level, are written anyway"
        )
    slow = block.get("slow")
    return level, trigger, float(slow) if slow else None, float(block.get("background_rate", 0)), of_trace, most


def _refused(given: Given, key: str, value: object, allowed: str) -> ConfigurationError:
    return ConfigurationError(source=given.source_of("recorder"), key=f"recorder.{key}", value=value, allowed=allowed)
