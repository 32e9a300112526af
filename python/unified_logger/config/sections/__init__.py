"""The list of sections: the options of each room, one class each.

From these follow the arguments of `init_logging`, environment variables, the keys of a file, the schema, the table in the docs, the changes
that a reload reports, and the settings of the engine.
"""

from __future__ import annotations

from ...errors import PartError
from ..mappings import joined
from ..options import Option, Section, derived
from .exceptions import Exceptions
from .files import Files, FileSettings
from .lines import Lines
from .links import Links
from .messages import Messages
from .metrics import Metrics
from .outputs import Outputs
from .process import BlackBox, Console, Ends, Migration, Queue, Reload
from .processors import Processors
from .record_metrics import RecordMetrics
from .recorder import Recorder
from .records import Levels, Redaction, Stdlib, Traces
from .rotation import Rotation
from .sampling import Sampling

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["OPTIONS", "SECTIONS", "FileSettings", "Settings"]


# A further section is a module here, imported above, and its class in this list. Sections settle in the order of the list.
class Settings(
    Levels,
    Messages,
    Files,
    Queue,
    Console,
    Outputs,
    Rotation,
    Links,
    Processors,
    RecordMetrics,
    Exceptions,
    Lines,
    BlackBox,
    Recorder,
    Metrics,
    Redaction,
    Traces,
    Sampling,
    Ends,
    Stdlib,
    Reload,
    Migration,
):
    """A whole configuration, checked: the options of every section, and the values worked out from them."""

    # Sentences to be logged once, at WARNING.
    notices: tuple[str, ...] = derived()

    def to_engine(self) -> dict[str, dict[str, Any]]:
        """The settings of the engine, by its rooms. A section may add to those of earlier sections, and change them."""
        rooms: dict[str, dict[str, Any]] = {}
        for section in SECTIONS:
            rooms = joined(rooms, section.to_engine(self))
        for section in SECTIONS:
            rooms = section.amended(self, rooms)
        return rooms


SECTIONS: tuple[type[Section], ...] = Settings.__bases__

# The order in which they have always been listed: in docs, schema and messages. Others follow in the order of their sections.
_FIRST = (
    *("log_level", "levels", "log_dir", "queue_size", "max_bytes", "backup_count", "console_level", "file_level"),
    *("enable_ai_handler", "ai_max_bytes", "ai_backup_count", "overflow", "overflow_timeout", "queue_bytes"),
    *("console_format", "fsync", "black_box", "black_box_bytes", "file_mode", "dir_mode", "ai_loggers"),
    *("legacy_substring", "log_uncaught", "fault_handler", "native_stdlib", "trace_headers", "trace_response_header"),
    *("redaction", "redaction_hash_key", "reload_signal", "watch_config", "base_name", "use_unified_logging"),
)
_all = {option.name: option for section in SECTIONS for option in section.options()}
OPTIONS: dict[str, Option] = {name: _all[name] for name in _FIRST} | _all


def wrong_option(wrong: PartError, option: str | None = None) -> PartError:
    """The error of an unknown key, with the option beside the block that was meant: `recorder.secret` is `recorder_secret`.

    Args:
        wrong: The error.
        option: The option that has the key, if it is not in the path.
    """
    name = "_".join(wrong.path if option is None else (option, *wrong.path))
    if wrong.known and name in OPTIONS:
        wrong.suggestion = name
    return wrong
