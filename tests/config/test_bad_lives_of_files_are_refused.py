"""What a log file cannot do is refused at the start, wherever it was asked for: with source, key, value and what is allowed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from unified_logger import ConfigurationError, load_config
from unified_logger.config.resolve import resolve

ZONE = "utc, local, or the name of a time zone"
AT = "a time from '00:00' to '23:59:59'"
AGE = "a time above 0"
STAYS = "left out where backup_count is 0"

# Options; then the key, its value and a part of what is allowed.
CASES: list[tuple[dict[str, Any], str, Any, str]] = [
    ({"rotate": {"every": "daily", "zone": "Mars/Olympus"}}, "rotate.zone", "Mars/Olympus", ZONE),
    ({"rotate": {"zone": ""}}, "rotate.zone", "", ZONE),
    ({"rotate": {"at": "24:00"}}, "rotate.at", "24:00", AT),
    ({"rotate": {"at": "12:60"}}, "rotate.at", "12:60", AT),
    ({"rotate": {"at": -1}}, "rotate.at", -1, AT),
    ({"rotate": {"at": 6}}, "rotate.at", 6, AT),
    ({"rotate": {"every": 15}}, "rotate.every", 15, "a length below a day"),
    (
        {"rotate": {"every": "hourly", "max_random_delay": 3_600}},
        "rotate.max_random_delay",
        3_600,
        "less than the 3600",
    ),
    # The last period of a day has three hours.
    (
        {"rotate": {"every": "7h", "max_random_delay": 21_600}},
        "rotate.max_random_delay",
        21_600,
        "less than the 10800",
    ),
    (
        {"rotate": {"every": "daily", "max_random_delay": 86_400}},
        "rotate.max_random_delay",
        86_400,
        "less than the 82800",
    ),
    ({"rotate": {"every": "dayly"}}, "rotate.every", "dayly", "one of hourly, daily"),
    ({"keep": {"age": 0}}, "keep.age", 0, AGE),
    ({"keep": {"age": "0d"}}, "keep.age", "0d", AGE),
    ({"keep": {"age": 14}}, "keep.age", 14, AGE),
    ({"keep": {"age": "14"}}, "keep.age", "14", AGE),
    ({"keep": {}}, "keep", {}, "a mapping with files, age, bytes"),
    ({"keep": {"age": "-3d"}}, "keep.age", "-3d", AGE),
    ({"keep": {"files": 0}}, "keep.files", 0, "a whole number from 1, or all"),
    ({"keep": {"bytes": "0GB"}}, "keep.bytes", "0GB", "a number of bytes above 0"),
    ({"compress": "zip"}, "compress", "zip", "one of off, gzip, zstd"),
    ({"compress": "zstd", "compress_level": 20}, "compress_level", 20, "a whole number from 1 to 19"),
    ({"compress": "zstd", "compress_level": 0}, "compress_level", 0, "a whole number from 1 to 19"),
    ({"compress": "gzip", "compress_level": 10}, "compress_level", 10, "a whole number from 1 to 9 for gzip"),
    ({"file_names": "daily"}, "file_names", "daily", "one of numbered, dated"),
    ({"current_link": "../app"}, "current_link", "../app", "the name of a link"),
    ({"rotate": "daily", "file_names": "numbered", "backup_count": 0}, "rotate", "daily", STAYS),
    ({"rotate": {"at_start": True}, "backup_count": 0}, "rotate", {"at_start": True}, STAYS),
]
# These are for the whole process.
OF_ALL: list[tuple[dict[str, Any], str, Any, str]] = [
    ({"rotate": {"signal": "SIGKILL"}}, "rotate.signal", "SIGKILL", "one of SIGHUP, SIGUSR1, SIGUSR2"),
    ({"rotate": {"signal": 11}}, "rotate.signal", 11, "one of SIGHUP, SIGUSR1, SIGUSR2"),
    ({"keep": {"disk_free": "0%"}}, "keep.disk_free", "0%", "a share such as '10%'"),
    ({"keep": {"disk_free": "10"}}, "keep.disk_free", "10", "a share such as '10%'"),
    ({"keep": {"disk_free": 10}}, "keep.disk_free", 10, "a share such as '10%'"),
    ({"keep": {"total": {}}}, "keep.total", {}, "a mapping with files, age or bytes"),
    ({"keep": {"total": {"age": 0}}}, "keep.total.age", 0, AGE),
]


def refused(source: str, key: str, value: Any, allowed: str, **given: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        resolve(given.pop("arguments", {}), **{"environ": {}, **given})
    wrong = caught.value
    assert (wrong.source, wrong.key) == (source, key)
    assert str(wrong.value).replace("'", "") == str(value).replace("'", "")
    assert allowed in wrong.allowed
    assert all(part in str(wrong) for part in (source, key, wrong.allowed))


@pytest.mark.parametrize(("options", "key", "value", "allowed"), CASES + OF_ALL)
def test_in_arguments(options: dict[str, Any], key: str, value: Any, allowed: str) -> None:
    """Of `init_logging`."""
    refused("argument", key, value, allowed, arguments=options)


def test_bounds_that_are_all_none() -> None:
    """As YAML has a key without a value."""
    refused(
        "argument", "keep", {"total": None}, "a mapping with files, age, bytes", arguments={"keep": {"total": None}}
    )


@pytest.mark.parametrize(("options", "key", "value", "allowed"), CASES + OF_ALL)
def test_in_a_file(tmp_path: Path, options: dict[str, Any], key: str, value: Any, allowed: str) -> None:
    """With the number of the line, where it is one value that is wrong."""
    path = tmp_path / "logging.yaml"
    path.write_text("# a comment\n" + yaml.safe_dump(options, sort_keys=False), "utf-8")
    with pytest.raises(ConfigurationError) as caught:
        resolve({}, file=load_config(path), file_path=str(path), environ={})
    assert (caught.value.source, caught.value.key) == (str(path), key)
    assert str(caught.value.value).replace("'", "") == str(value).replace("'", "")
    assert allowed in caught.value.allowed
    assert caught.value.line is None or path.read_text("utf-8").splitlines()[caught.value.line - 1].strip().startswith(
        key.rpartition(".")[2]
    )


@pytest.mark.parametrize(
    ("text", "key", "line"),
    [
        ("# a comment\nrotate: dayly\n", "rotate.every", 2),
        ("outputs:\n  errors:\n    level: ERROR\n    rotate: dayly\n", "outputs.errors.rotate.every", 4),
    ],
)
def test_a_word_that_stands_for_a_block_has_its_line(tmp_path: Path, text: str, key: str, line: int) -> None:
    """Seen to fail with the line of the key in the message alone, which is not in the file."""
    path = tmp_path / "logging.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_config(path)
    assert (caught.value.key, caught.value.line) == (key, line)
    assert f"{path}:{line}: {key} = 'dayly'" in str(caught.value)


@pytest.mark.parametrize(("options", "key", "value", "allowed"), CASES + OF_ALL)
def test_in_the_environment(options: dict[str, Any], key: str, value: Any, allowed: str) -> None:
    """Mappings as JSON."""
    environ = {
        f"UNIFIED_LOGGER_{name.upper()}": json.dumps(option) if isinstance(option, dict) else str(option)
        for name, option in options.items()
    }
    variable = f"UNIFIED_LOGGER_{key.partition('.')[0].upper()}"
    refused(f"environment variable {variable}", key, value, allowed, environ=environ)


@pytest.mark.parametrize(("options", "key", "value", "allowed"), CASES)
@pytest.mark.parametrize("new", [False, True], ids=["app", "a new one"])
def test_in_an_output(options: dict[str, Any], key: str, value: Any, allowed: str, new: bool) -> None:
    """That is there anyway, and of a further one."""
    name = "audit" if new else "errors"
    outputs = {name: {**options, **({"file": "audit.log"} if new else {})}}
    refused("argument", f"outputs.{name}.{key}", value, allowed, arguments={"outputs": outputs})


def test_what_only_some_outputs_keep(tmp_path: Path) -> None:
    """An option for all files is refused for one that keeps none, and not where the file says itself what stays."""
    key = "outputs.audit.rotate"
    audit = {"file": "audit.log", "backup_count": 0}
    refused("argument", key, "daily", STAYS, arguments={"rotate": "daily", "outputs": {"audit": audit}})
    for more in ({"keep": {"age": "3d"}}, {"backup_count": 2}, {"rotate": None}):
        resolve({"rotate": "daily", "outputs": {"audit": audit | more}}, environ={})
    resolve({"rotate": "daily", "backup_count": 0, "keep": "all"}, environ={})
    resolve({"rotate": "daily", "backup_count": 0, "ai_backup_count": 0, "log_dir": None}, environ={})
    refused("argument", "rotate", "daily", STAYS, arguments={"rotate": "daily", "ai_backup_count": 0})


def test_the_mode_without_the_engine_names_all_that_it_does_not_do() -> None:
    """Once."""
    given = {
        "rotate": {"every": "daily", "signal": "SIGUSR1"},
        "file_names": "dated",
        "compress": "zstd",
        "compress_level": 3,
        "keep": "all",
        "current_link": True,
    }
    found = resolve({**given, "use_unified_logging": False}, environ={})
    sentence = (
        "rotate, file_names, compress, compress_level, keep, current_link have no effect where use_unified_logging is false: "
        "files are rotated by size"
    )
    assert found.notices == (sentence,)
    assert found.rotation_signal is None
    assert resolve(given, environ={}).rotation_signal == "SIGUSR1"
    without_files = resolve({**given, "log_dir": None}, environ={})
    assert without_files.rotation_signal is None
    assert "rotate, file_names, compress, compress_level, keep, current_link have no effect" in without_files.notices[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rotate: daily", {"calendar": {"every": {"days": 1}, "at": 0, "zone": "utc"}}),
        ("rotate: 15m", {"calendar": {"every": {"seconds": 900}, "at": 0, "zone": "utc"}}),
        ("rotate: 06:00", {"calendar": {"every": {"days": 1}, "at": 21_600, "zone": "utc"}}),
        ("rotate: null", {}),
        ("keep: all", {"keep": {}}),
        ("keep: null", {}),
        ("rotate: daily\noutputs: {app: {rotate: null}}", {}),
    ],
)
def test_words_stand_for_mappings_in_a_file_too(tmp_path: Path, text: str, expected: dict[str, Any]) -> None:
    """As in arguments and in the environment."""
    path = tmp_path / "logging.yaml"
    path.write_text(text, "utf-8")
    found = resolve({}, file=load_config(path), file_path=str(path), environ={})
    told = found.to_engine()["output"]["to"]["outputs"]["app"]["to"]["file"]
    assert {key: told[key] for key in ("calendar", "keep") if key in told} == expected
