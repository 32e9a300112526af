"""Environment variables hold texts of anybody's: each is a value of its option, or an error that names it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from kinds import Run

from unified_logger import ConfigurationError
from unified_logger.config import resolve
from unified_logger.config.sections import OPTIONS


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize(
    "text",
    [
        "1\n2",
        "INFO\nERROR",
        "9" * 5_000,
        "9" * 400 + "GB",
        "1e999",
        "-1",
        "-0x1",
        "nan",
        "inf",
        "-inf",
        "Infinity",
        "１２",
        "٣",
        "²",
        "1٫5",
        "0b1",
        "\u202e1",
        "\x1b[2J",
        "\udcff",
        "a" * 1_000_000,
        "~no-such-user-at-all/logs",
    ],
    ids=lambda text: repr(text[:12]),
)
def test_any_text_is_a_value_or_an_error(option: str, text: str) -> None:
    """Nothing else is raised, and the error names the variable on two lines at most."""
    for variable in OPTIONS[option].variables:
        try:
            resolve({}, environ={variable: text})
        except ConfigurationError as error:
            told = str(error)
            lines = told.split("\n")
            ok = all(map(str.isprintable, lines)) and len(lines) <= 2 and option in lines[0] and len(told) < 1_000
            if not ok:
                raise AssertionError(told) from error


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("UNIFIED_LOGGER_QUEUE_SIZE", "１２"),
        ("UNIFIED_LOGGER_LOG_LEVEL", "２０"),
        ("UNIFIED_LOGGER_MAX_BYTES", "١٢"),
        ("UNIFIED_LOGGER_FILE_MODE", "６４０"),
        ("UNIFIED_LOGGER_OVERFLOW_TIMEOUT", "１"),
        ("UNIFIED_LOGGER_OVERFLOW_TIMEOUT", "nan"),
        ("UNIFIED_LOGGER_OVERFLOW_TIMEOUT", "inf"),
        ("UNIFIED_LOGGER_OVERFLOW_TIMEOUT", "-1"),
        ("UNIFIED_LOGGER_OVERFLOW_TIMEOUT", "1e400"),
        ("UNIFIED_LOGGER_MAX_BYTES", "9" * 400 + "GB"),
        ("UNIFIED_LOGGER_MAX_BYTES", "99999999999999999999"),
        ("UNIFIED_LOGGER_MAX_BYTES", "-1"),
        ("UNIFIED_LOGGER_QUEUE_SIZE", "9" * 5_000),
        ("LOG_DIR", "\udcff"),
        ("LOG_DIR", "~no-such-user-at-all/logs"),
        ("UNIFIED_LOGGER_FILE_MODE", "666"),
        ("UNIFIED_LOGGER_DIR_MODE", "777"),
        ("UNIFIED_LOGGER_FILE_MODE", "4640"),
    ],
)
def test_numbers_are_plain_and_bounded(variable: str, text: str) -> None:
    """Digits of ASCII, finite, not negative; modes let nobody else write. Seen to fail without `_ascii`."""
    with pytest.raises(ConfigurationError):
        resolve({}, environ={variable: text})


def test_a_hostile_name_of_a_variable_is_told_on_one_line() -> None:
    """It is an error: a misspelt option must not pass in silence."""
    with pytest.raises(ConfigurationError) as caught:
        resolve({}, environ={"UNIFIED_LOGGER_\n\x1b[2J" + "x" * 100_000: "1"})
    first, second = str(caught.value).split("\n")
    assert first.isprintable()
    assert second == "All options: python -m unified_logger.cli options"
    assert len(first) < 1_000


def test_a_directory_that_is_no_utf8_is_a_configuration_error(run_python: Run) -> None:
    """Not an error of encoding from within."""
    done = run_python(
        """
import os
from unified_logger import ConfigurationError, init_logging
os.environb[b"LOG_DIR"] = b"logs\\xff"
try:
    init_logging()
except ConfigurationError as error:
    print(str(error).isprintable())
"""
    )
    assert done.stdout == "True\n"


def test_a_directory_that_is_ones_own_link_is_followed(tmp_path: Path, run_python: Run) -> None:
    """`LOG_DIR` may be a link to another disk."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    run_python(
        'from unified_logger import get_logger, init_logging\ninit_logging()\nget_logger("app").info("m")',
        LOG_DIR=str(tmp_path / "link"),
    )
    assert (tmp_path / "disk" / "app.log").read_text().count("\n") == 1


def test_the_directory_is_found_once(tmp_path: Path, run_python: Run) -> None:
    """A relative one means the working directory of the start, wherever the program goes."""
    run_python(
        """
import os, shutil
from unified_logger import flush_logging, get_logger, init_logging
init_logging()
os.mkdir("elsewhere")
os.chdir("elsewhere")
shutil.rmtree("../logs")
get_logger("app").info("m")
assert flush_logging(10)
""",
        LOG_DIR="logs",
    )
    assert (tmp_path / "logs" / "app.log").exists()
    assert os.listdir(tmp_path / "elsewhere") == []
