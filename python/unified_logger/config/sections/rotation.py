"""When log files are changed for new ones, what the old ones are called, and how long they stay."""

from __future__ import annotations

from ...errors import ConfigurationError
from .. import mappings
from ..kinds import BOOLEAN, SECONDS, Kind
from ..lives import AGE, AT, BYTES, COMPRESS, EVERY, FILES, FREE, HOLD, KEEP, LEVEL, METHODS, NAMES, OFF, ROTATE, WORDS
from ..mappings import Worded, joined
from ..options import Section, derived, option
from ..signal_names import SIGNAL
from .lines import ZONE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from ..mappings import Layout
    from ..options import Given


def _layout_of_file() -> Layout:
    return {"every": EVERY, "at": AT, "zone": ZONE, "at_start": BOOLEAN, "max_random_delay": SECONDS}


def _layout_of_rotate() -> Layout:
    return Worded(ROTATE, {**_layout_of_file(), "signal": SIGNAL})


def _layout_of_set() -> Layout:
    return {"files": FILES, "age": AGE, "bytes": BYTES}


def _layout_of_keep() -> Layout:
    return Worded(KEEP, {**_layout_of_set(), "disk_free": FREE, "total": _layout_of_set()})


def _whole(kind: Kind, layout: Callable[[], Layout]) -> Kind:
    """The kind of a value that is parsed down to the leaves at once."""

    def parse(value: Any) -> Any:
        # None is for an output that does not follow the option of all.
        parsed = kind.parse(value)
        return None if parsed is None else mappings.parse(parsed, layout())

    return Kind(kind.name, kind.allowed, parse, parse, kind.schema, as_written=True)


# What an output that is a file may have of its own.
LAYOUT: Layout = {
    "rotate": _whole(ROTATE, _layout_of_file),
    "file_names": NAMES,
    "compress": COMPRESS,
    "compress_level": LEVEL,
    "keep": _whole(KEEP, _layout_of_set),
    "hold_unshipped": HOLD,
}
OPTIONS = ("rotate", "file_names", "compress", "compress_level", "keep", "hold_unshipped", "current_link")


class Rotation(Section):
    """When files are changed, how they are named, and which stay."""

    rotate: Any = option(
        ROTATE,
        None,
        "When log files are changed for new ones besides their size: at the beginning of each period, or of a program.",
        layout=_layout_of_rotate,
    )
    file_names: str = option(
        NAMES,
        "numbered",
        "Names of rotated files: app.log.1 is the newest, or app-2026-02-19.log by the period of their records.",
    )
    compress: str = option(
        COMPRESS,
        "off",
        "How rotated files are packed, on a thread that leaves processor and disk to all others.",
    )
    compress_level: int | None = option(
        LEVEL, None, "How hard the packing tries: 1 is fastest. By default 3 for zstd and 6 for gzip."
    )
    keep: Any = option(
        KEEP,
        None,
        "Which rotated files stay: by number, age and size of each file set and of all, and by what is free on the disk. "
        "By default as many as backup_count says.",
        layout=_layout_of_keep,
    )
    hold_unshipped: int = option(
        HOLD,
        OFF,
        "Bytes of rotated files that stay beyond keep, over all files, because a shipper has not taken them yet. "
        "An output with a value of its own has so much for its files alone.",
    )

    # What handlers of the previous module's layout ask for, by the names of their outputs.
    rotation_by_handlers: Mapping[str, Any] = derived(lambda found: {"files": found})
    # The signal at which files are changed; None for no signal, and without the engine.
    rotation_signal: str | None = derived()

    @classmethod
    def settle(cls, given: Given) -> Mapping[str, Any]:
        """Refuses a rotation by time that keeps nothing."""
        by_handlers: Mapping[str, Any] = {}
        if given.block("handlers"):
            from ..older import rotations  # A program with such a file has it already.

            by_handlers = rotations(given)
        values = given.values
        without_effect = [name for name in OPTIONS if given.has(name)]
        without_effect += ["TimedRotatingFileHandler"] if by_handlers else []
        if without_effect and not values["use_unified_logging"]:
            verb = "has" if len(without_effect) == 1 else "have"
            given.add_notice(
                f"{', '.join(without_effect)} {verb} no effect where use_unified_logging is false: files are rotated by size"
            )
        _check_delays(given)
        _check_what_stays(given, by_handlers)
        _check_levels(given)
        if values["use_unified_logging"] and values["files"]:
            for notice in _without_effect(given, by_handlers):
                given.add_notice(notice)
        wanted = (values["rotate"] or {}).get("signal") if values["use_unified_logging"] and values["files"] else None
        return {"rotation_signal": wanted, "rotation_by_handlers": by_handlers}

    def amended(self, rooms: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """Each file with its rotation: that of all, or its own."""
        all_own = vars(self)["outputs"]
        outputs = {}
        for name, output in rooms["output"]["to"]["outputs"].items():
            if output and "file" in output["to"]:
                own = all_own.get(name)
                own = {**self.rotation_by_handlers.get(name, {}), **(own if isinstance(own, dict) else {})}
                outputs[name] = {"to": {"file": _for_engine(self, own)}}
        keep = self.keep or {}
        total = bounds_of_file(keep.get("total") or {}) | (
            {"disk_free": keep["disk_free"]} if keep.get("disk_free") else {}
        )
        return joined(
            rooms, {"output": {"keep": total, "hold_unshipped": self.hold_unshipped, "to": {"outputs": outputs}}}
        )


def _for_engine(settings: Rotation, own: Mapping[str, Any]) -> dict[str, Any]:
    """What the engine is told of one file, whose own keys go before those of all."""
    rotate = own.get("rotate", settings.rotate) or {}
    keep = own.get("keep", settings.keep)
    zone = rotate.get("zone", "utc")
    names = "dates" if own.get("file_names", settings.file_names) == "dated" else "numbers"
    file: dict[str, Any] = {"names": names, "zone": zone}
    if "every" in rotate or "at" in rotate:
        every = rotate.get("every", {"days": 1})
        file["calendar"] = {"every": every, "at": rotate.get("at", 0), "zone": zone}
    method, _ = METHODS[own.get("compress", settings.compress)]
    level = own.get("compress_level", settings.compress_level)
    file["compress"] = method
    if method != "plain" and level is not None:
        file["compress_level"] = level
    if "max_bytes" in own:
        file["max_bytes"] = own["max_bytes"]
    file["at_start"] = rotate.get("at_start", False)
    file["max_random_delay"] = round(rotate.get("max_random_delay", 0))
    if keep is not None:
        file["keep"] = bounds_of_file(keep)
    if "hold_unshipped" in own:
        file["hold_unshipped"] = own["hold_unshipped"]
    return file


def _check_what_stays(given: Given, by_handlers: Mapping[str, Any]) -> None:
    """Refuses a rotation that is asked for where nothing of it would be kept."""
    values = given.values
    files = {file.kind: (file.name, file.backup_count) for file in values["files"] if file.enabled}
    outputs = {name: output for name, output in values["outputs"].items() if isinstance(output, dict)}
    for name, output in outputs.items():
        if "file" in output:
            files[name] = output["file"], values["backup_count"]
    for name, (file, count) in files.items():
        if values["outputs"].get(name) is False:
            continue
        own = {**by_handlers.get(name, {}), **outputs.get(name, {})}
        rotate, keep = own.get("rotate", values["rotate"]), own.get("keep", values["keep"])
        if rotate and keep is None and own.get("backup_count", count) == 0:
            is_own = not {"rotate", "backup_count"}.isdisjoint(outputs.get(name, {}))
            raise ConfigurationError(
                source=given.source_of("outputs" if is_own else "rotate"),
                key=f"outputs.{name}.rotate" if is_own else "rotate",
                value=_shown(rotate),
                allowed=f"left out where backup_count is 0: nothing of {file} would be kept; keep says what is",
            )


def _check_delays(given: Given) -> None:
    """Refuses a delay after which the next period would have begun, of all files or of one."""
    chosen = [("rotate", "rotate", given.values["rotate"])] + [
        ("outputs", f"outputs.{name}.rotate", output.get("rotate"))
        for name, output in given.values["outputs"].items()
        if isinstance(output, dict)
    ]
    for where, key, rotate in chosen:
        delay, period = (rotate or {}).get("max_random_delay", 0), _seconds_of(rotate or {})
        if period is not None and delay >= period:
            raise ConfigurationError(
                source=given.source_of(where),
                key=f"{key}.max_random_delay",
                value=round(delay),
                allowed=f"less than the {period} seconds of the shortest period",
            )


def _seconds_of(rotate: Mapping[str, Any]) -> int | None:
    """How long the shortest period is: the last one of a day, or a day of 23 hours. None without periods."""
    every: dict[str, Any] = rotate.get("every") or ({"days": 1} if "at" in rotate else {})
    if "seconds" not in every:
        return 82_800 if every else None
    seconds: int = every["seconds"]
    return 86_400 % seconds or seconds


def _check_levels(given: Given) -> None:
    """Refuses a level that the way of packing does not have, of all files or of one."""
    values = given.values
    chosen = [("", values)] + [
        (f"outputs.{name}.", {**values, **output})
        for name, output in values["outputs"].items()
        if isinstance(output, dict)
    ]
    for where, options in chosen:
        level, (_, most) = options["compress_level"], METHODS[options["compress"]]
        if level is not None and options["compress"] != "off" and level > most:
            raise ConfigurationError(
                source=given.source_of("outputs" if where else "compress_level"),
                key=f"{where}compress_level",
                value=level,
                allowed=f"a whole number from 1 to {most} for {options['compress']}",
            )


def _without_effect(given: Given, by_handlers: Mapping[str, Any]) -> Iterator[str]:
    """Sentences about what is given, and changes nothing for any file beside the other options."""
    values = given.values
    counts = {file.kind: file.backup_count for file in values["files"] if file.enabled}
    own: dict[str, Mapping[str, Any]] = {name: {} for name in counts if values["outputs"].get(name) is not False}
    for name, output in values["outputs"].items():
        if isinstance(output, dict) and (name in own or "file" in output):
            own[name] = output
    # What each file goes by, whoever says it.
    files = {}
    for name, output in own.items():
        of_handler = by_handlers.get(name, {})
        found = {**values, "backup_count": counts.get(name, values["backup_count"]), **of_handler, **output}
        files[name] = {**found, "keep": None} if "keep" in {*of_handler} - {*output} else found
    if given.has("rotate") and values["rotate"] == {}:
        yield "rotate has no effect: it is empty"
    for key, is_of_use, reason in _USES:
        option, _, part = key.partition(".")
        others = [
            name for name, output in own.items() if option not in output and (option, name) != ("backup_count", "ai")
        ]
        if given.has(option) and _has(values, option, part) and not any(is_of_use(files[name]) for name in others):
            yield f"{key} has no effect: {reason}"
        for name, output in own.items():
            if _has(output, option, part) and not is_of_use(files[name]):
                yield f"outputs.{name}.{key} has no effect: {reason}"
    if (
        given.has("ai_backup_count")
        and "ai" in own
        and "backup_count" not in own["ai"]
        and files["ai"]["keep"] is not None
    ):
        yield f"ai_backup_count has no effect: {_KEPT}"


def _has(options: Mapping[str, Any], option: str, part: str) -> bool:
    value = options.get(option)
    return part in (value or {}) if part else value is not None


def _has_periods(options: Mapping[str, Any]) -> bool:
    return not {"every", "at"}.isdisjoint(options["rotate"] or {})


_KEPT = "keep says which rotated files stay"
# What may be given for nothing, when it is of use for a file, and why it is of none.
_USES: tuple[tuple[str, Callable[[Mapping[str, Any]], bool], str], ...] = (
    ("compress_level", lambda options: options["compress"] != "off", "compress is off"),
    ("rotate.max_random_delay", _has_periods, "rotate names no time, by every or at"),
    (
        "rotate.zone",
        lambda options: _has_periods(options) or options["file_names"] == "dated",
        "rotate names no time, by every or at, and files have numbers",
    ),
    ("backup_count", lambda options: options["keep"] is None, _KEPT),
    (
        "file_names",
        lambda options: options["keep"] is not None or options["backup_count"] != 0,
        "no file is rotated where backup_count is 0, unless keep says which stay",
    ),
)


def bounds_of_file(keep: Mapping[str, Any]) -> dict[str, Any]:
    """The bounds that hold for the files of one set, as the engine knows them.

    Args:
        keep: The option, parsed.

    Returns:
        Numbers of files, seconds and bytes; what is missing bounds nothing.
    """
    return {name: keep[name] for name in ("files", "age", "bytes") if keep.get(name) is not None}


def _shown(rotate: Mapping[str, Any]) -> object:
    """A rotation as people write it, where it is only a period."""
    if rotate.keys() != {"every"}:
        return rotate
    every = rotate["every"]
    word = next((word for word, meant in WORDS.items() if meant == every), None)
    unit, length = next(iter(every.items()))
    return word or f"{length}{unit[0]}"
