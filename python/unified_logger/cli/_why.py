"""Which gates a record of a logger and a level passes, and which stop it: asked of the code that decides when a program logs."""

from __future__ import annotations

import json
import logging
import os
from typing import TYPE_CHECKING, NamedTuple

from .. import _core, levels
from ..config.resolve import sources

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from ..config import Settings

PASSES, STOPS, DEPENDS, UNKNOWN = "passes", "stops", "depends", "unknown"
# The keys that say the least level of outputs that are there without being named.
_LEVEL_OF = {"app": "file_level", "console": "console_level"}


class Gate(NamedTuple):
    """What a record has to pass.

    Args:
        name: What it is called: `level`, `sampling`, or `output NAME`.
        result: `passes`, `stops`, `depends` on the record, or `unknown`.
        key: The option that decides, with the source that gives it.
        why: Why, in a sentence.
    """

    name: str
    result: str
    key: str
    why: str


def gates(settings: Settings, file: Mapping[str, Any] | None, path: str | None, logger: str, level: int) -> list[Gate]:
    """The gates by a configuration.

    Args:
        settings: The settings.
        file: The content of the configuration file, with its lines.
        path: Its path.
        logger: The name of the logger.
        level: The number of the level.
    """
    given = sources(file, path, os.environ)

    def keyed(key: str, option: str | None = None) -> str:
        source = given.get(option or key.partition(".")[0])
        return f"{key} ({source or 'default'})"

    found = [_level(settings, logger, level, keyed)]
    found += _sampling(settings, logger, level, keyed)
    found.append(_propagation(file, logger))
    found += _outputs(settings, logger, level, keyed)
    return found


def _level(settings: Settings, logger: str, level: int, keyed: Any) -> Gate:
    """Sets the levels as a start does, in this process, and asks the logger."""
    levels.start(settings)
    asked = logging.getLogger("" if logger == "root" else logger)
    deciding: logging.Logger | None = asked
    while deciding is not None and deciding.level == logging.NOTSET:
        deciding = deciding.parent
    name = "" if deciding is None or deciding is logging.root else deciding.name
    if not name:
        key = keyed("log_level")
    elif name in settings.logger_levels:
        key = keyed(f"levels.{name}", "levels")
    else:
        key = keyed("suppress_loggers")
    whose = "the root logger" if not name else f"logger {name!r}"
    least = asked.getEffectiveLevel()
    if asked.isEnabledFor(level):
        return Gate("level", PASSES, key, f"{whose} has level {levels.name_of(least)}")
    recorded = getattr(settings, "recorder", False)
    if recorded:
        return Gate(
            "level",
            DEPENDS,
            keyed("recorder"),
            f"{whose} has level {levels.name_of(least)}; it waits with its trace, and is written if that fails",
        )
    return Gate("level", STOPS, key, f"{whose} has level {levels.name_of(least)}, which is above")


def _sampling(settings: Settings, logger: str, level: int, keyed: Any) -> Iterator[Gate]:
    rules = settings.sampling_rules
    if rules is not None and level < logging.ERROR:
        for rule in rules["rules"]:
            if level > rule["level"] or not (not rule["logger"] or f"{logger}.".startswith(f"{rule['logger']}.")):
                continue
            way = next(iter(rule["way"]))
            key = keyed(f"sampling.rules {rule['name']!r}", "sampling")
            fields = [condition["field"] for condition in rule["conditions"]]
            if fields:
                yield Gate("sampling", DEPENDS, key, f"the rule applies if {', '.join(fields)} fit")
                continue
            if way == "all":
                yield Gate("sampling", PASSES, key, "the rule keeps all")
            elif rules["dry_run"]:
                yield Gate("sampling", PASSES, key, "sampling.dry_run is true: nothing is left out")
            else:
                kept = "only the first of each key is kept" if way == "nothing" else f"only some are kept, by {way}"
                yield Gate("sampling", DEPENDS, key, kept)
            break
        else:
            yield Gate("sampling", PASSES, keyed("sampling"), "no rule is left that applies to it")
    traces = settings.sampled_traces
    if traces is not None and level < traces[2] and traces[1] < 1:
        yield Gate(
            "sampling", DEPENDS, keyed("sampling.traces", "sampling"), f"only {traces[1]:.2%} of traces are written"
        )
    if rules is None and traces is None:
        yield Gate("sampling", PASSES, keyed("sampling"), "nothing is sampled")


def _propagation(file: Mapping[str, Any] | None, logger: str) -> Gate:
    named = (file or {}).get("loggers") or {}
    off = [
        name
        for name, block in named.items()
        if block and block.get("propagate") is False and f"{logger}.".startswith(f"{name}.")
    ]
    if off:
        return Gate(
            "propagation",
            PASSES,
            f"loggers.{off[0]}.propagate",
            "this key of the older layout has no effect on records of this library",
        )
    return Gate(
        "propagation",
        PASSES,
        "-",
        "no option stops it; a program can, by propagate = False or disabled of a logger of logging",
    )


def _outputs(settings: Settings, logger: str, level: int, keyed: Any) -> Iterator[Gate]:
    to = settings.to_engine()["output"]["to"]
    for name, output in to["outputs"].items():
        if not output:
            yield Gate(f"output {name}", STOPS, keyed(f"outputs.{name}", "outputs"), "it is turned off")
            continue
        given = settings.outputs.get(name)
        own = given if isinstance(given, dict) else {}

        def key_of(key: str, name: str = name, own: Mapping[str, Any] = own) -> str:
            if key in own:
                return str(keyed(f"outputs.{name}.{key}", "outputs"))
            if key == "level" and name in _LEVEL_OF:
                return str(keyed(_LEVEL_OF[name]))
            return f"what {name} is for"

        yield _output(name, output["select"], to["ai"], logger, level, key_of)
    for name, option in (("console", "console_format"), ("ai", "enable_ai_handler"), ("app", "log_dir")):
        if name not in to["outputs"]:
            yield Gate(f"output {name}", STOPS, keyed(option), "there is none")


def _output(name: str, select: Mapping[str, Any], ai: Mapping[str, Any], logger: str, level: int, key_of: Any) -> Gate:
    refused = _core.select_refusals(select, ai, logger, level)
    told = {
        "level": f"it takes {levels.name_of(select['level'])} and above",
        "max_level": f"it takes {levels.name_of(select.get('max_level') or 0)} and below",
        "loggers": f"it takes only {', '.join(select.get('loggers') or ())}",
        "ai": "it takes only AI records" if select.get("ai") else "it takes no AI records",
    }
    if refused:
        keys = ", ".join(key_of(key) for key in refused)
        return Gate(f"output {name}", STOPS, keys, "; ".join(told[key] for key in refused))
    fields = [*select.get("fields_present", ()), *(field for field, _ in select.get("fields_equal") or ())]
    if fields:
        key = "fields_present" if select.get("fields_present") else "fields_equal"
        return Gate(f"output {name}", DEPENDS, key_of(key), f"it takes only records whose {', '.join(fields)} fit")
    return Gate(f"output {name}", PASSES, key_of("level"), told["level"])


def gates_of_process(directory: str, logger: str, level: int) -> tuple[int, list[Gate]] | None:
    """The gates of the process that logs to a directory, as far as its black box tells. None if none lives.

    Args:
        directory: The directory.
        logger: The name of the logger.
        level: The number of the level.

    Returns:
        The number of the process, and the gates.
    """
    for box in _core.black_boxes(os.path.realpath(directory))[0]:
        if box["owner"] != "alive" or not box["outputs"]:
            continue
        to = json.loads(box["outputs"])
        found = [
            Gate(
                "level",
                UNKNOWN,
                "-",
                "the black box of a process has its files alone, and no levels of loggers: give its --config",
            )
        ]
        for output in to["outputs"]:
            select = output["select"]
            select["fields_equal"] = [tuple(pair) for pair in select.get("fields_equal") or ()]
            name = output["name"]
            found.append(_output(name, select, to["ai"], logger, level, lambda key, name=name: f"outputs.{name}.{key}"))
        return box["process"], found
    return None
