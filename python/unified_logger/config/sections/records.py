"""Options of records: levels, redaction, traces, and records of the standard library."""

from __future__ import annotations

from ... import levels
from .. import redaction as rules
from ..kinds import ANYTHING, BOOLEAN, HEADER, HEADERS, LEVEL, LEVELS, NAMES, REDACTION, SECRET, SWITCH
from ..options import Section, derived, option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ... import _core
    from ..mappings import Layout
    from ..options import Given


class Levels(Section):
    """Which records are made."""

    log_level: int = option(
        LEVEL,
        "INFO",
        "Level of the root logger: decides whether a record is made.",
        "LOG_LEVEL",
        file=("root.level", "log_level"),
    )
    levels: Mapping[str, int] = option(
        LEVELS,
        {},
        "Levels of single loggers, beside those in `loggers` of a file.",
        "LOG_LEVELS",
        reported_as="logger_levels",
    )
    suppress_loggers: tuple[str, ...] = option(
        NAMES,
        (),
        "Loggers that are set to WARNING, unless `levels` or `loggers` of a file give them another level.",
    )
    # The level of each logger that is named anywhere.
    logger_levels: Mapping[str, int] = derived(
        lambda given: {"levels": {name: levels.name_of(level) for name, level in given.items()}}
    )
    # Whether the root logger gets a handler and a level. Not if a configuration of `logging` makes the handler.
    on_root: bool = derived()
    sets_root_level: bool = derived()

    @classmethod
    def blocks(cls) -> Layout:
        """Loggers with their levels, in the layout of `logging.config`."""
        return {
            "loggers": {"*": {"level": LEVEL, "handlers": NAMES, "propagate": BOOLEAN}},
            "root": {"level": LEVEL, "handlers": NAMES},
        }

    @classmethod
    def settle(cls, given: Given) -> Mapping[str, Any]:
        """The level of each logger that is named anywhere, from the source with the highest precedence."""
        named = {
            name: levels.parse(block["level"])
            for name, block in given.block("loggers").items()
            if block and "level" in block
        }
        for _, levels_given in given.each("levels"):
            named |= levels_given
        return {
            "logger_levels": named,
            "on_root": not given.by_handler,
            "sets_root_level": not given.by_handler or "log_level" in given.arguments,
        }


def is_below_all(level: int, given: Given) -> bool:
    """Whether no record below `log_level` comes to an output with a level.

    No logger that is configured has a lower level then, and no record waits with its trace.

    Args:
        level: The level of the output.
        given: The sources, and what was worked out so far.
    """
    least, levels = given.values["log_level"], given.values["logger_levels"].values()
    is_recorded = any(block is not False for _, block in given.each("recorder"))
    return level < least and not is_recorded and not any(0 < named < least for named in levels)


# What a notice says of a level that is below all of these. Contexts have levels too, and loggers may get others later.
BELOW_ALL = "is below log_level: such records are only made where a logger or a context gets a lower level"


class Redaction(Section):
    """What must not be written."""

    redaction: _core.Redaction | None = option(
        REDACTION,
        False,
        "Whether secrets are replaced before anything is written, and which; see docs/redaction.md.",
        layout=rules.layout,
        hidden=True,
        kept=True,
    )
    redaction_hash_key: str | None = option(
        SECRET,
        None,
        "Key of the hashes that stand in the place of secrets.",
        hidden=True,
        kept=True,
        reported_as="redaction",
    )

    @classmethod
    def settle(cls, given: Given) -> Mapping[str, Any]:
        """The compiled rules. The key is not needed after that."""
        return {
            "redaction": rules.settle(given.each("redaction"), given.values["redaction_hash_key"]),
            "redaction_hash_key": None,
        }


class Traces(Section):
    """Headers that carry traces."""

    trace_headers: tuple[str, ...] = option(
        HEADERS,
        ("traceparent",),
        "Headers that carry a trace, in order of preference: traceparent, b3, x-request-id, or any that holds a trace id.",
    )
    trace_response_header: str = option(
        HEADER, "X-Trace-ID", "Header in which a response names its trace; none sends none."
    )

    @classmethod
    def blocks(cls) -> Layout:
        """The block of the previous module's layout."""
        return {"tracing": {"enabled": BOOLEAN, "header_name": HEADER, "generate_span_id": BOOLEAN, "*": ANYTHING}}

    @classmethod
    def settle(cls, given: Given) -> Mapping[str, Any]:
        """The headers. The previous module's block, unless an option is given, has one header, read beside the standard one and sent back."""
        block = given.block("tracing")
        if block.get("generate_span_id") is False:
            given.add_notice("tracing.generate_span_id has no effect: every context has a span")
        return {name: value for name, value in _from_origin(block).items() if not given.has(name)}


def _from_origin(block: Mapping[str, Any]) -> dict[str, Any]:
    if block.get("enabled") is False:
        return {"trace_headers": (), "trace_response_header": ""}
    name = block.get("header_name")
    if name is None:
        return {}
    response = HEADER.parse(name)
    return {
        "trace_headers": ("traceparent", response.lower()) if response else ("traceparent",),
        "trace_response_header": response,
    }


class Stdlib(Section):
    """Records of the standard library."""

    native_stdlib: bool | str = option(
        SWITCH,
        "auto",
        "Whether the loggers of the standard library log natively where nobody else would see their records: auto unless a debugger is on.",
    )
    keep_loggers_enabled: bool = option(
        BOOLEAN,
        False,
        "Whether loggers of get_logger that a configuration of logging disables (disable_existing_loggers) are enabled again.",
    )
    use_unified_logging: bool = option(
        BOOLEAN,
        True,
        "False serves the same API and files with plain handlers of the standard library.",
        "USE_UNIFIED_LOGGING",
    )
