"""`log_dir` takes none, wherever options come from; what cannot work without a directory is refused, or a notice says that it has no effect."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from kinds import Run, Write

from unified_logger import ConfigurationError, flush_logging, get_logger, init_logging, init_logging_from_config

OUT = 'init_logging(log_dir=None, console="stdout")'


@pytest.mark.parametrize("value", [None, "none", "None"])
def test_an_argument_may_be_none(capsys: pytest.CaptureFixture[str], value: str | None, log_dir: Path) -> None:
    """None, or its name."""
    init_logging(log_dir=value, console="stdout", console_format="json")
    get_logger("app").info("order")
    assert json.loads(capsys.readouterr().out)["message"] == "order"
    assert not Path("none").exists()


@pytest.mark.parametrize("variable", ["LOG_DIR", "UNIFIED_LOGGER_LOG_DIR"])
def test_the_environment_may_say_none(run_python: Run, tmp_path: Path, variable: str) -> None:
    """A container's image stays as it is, and its environment takes the files away."""
    done = run_python(
        'from unified_logger import *\ninit_logging()\nget_logger("app").info("order")',
        **{variable: "none", "UNIFIED_LOGGER_CONSOLE": "stdout"},
    )
    assert json.loads(done.stdout)["message"] == "order"
    assert not (tmp_path / "logs").exists()


@pytest.mark.parametrize("value", ["null", "~", "", "none"])
def test_a_file_may_say_null(write: Write, capsys: pytest.CaptureFixture[str], value: str, tmp_path: Path) -> None:
    """However YAML writes it."""
    init_logging_from_config(write(f"log_dir: {value}\nconsole: stdout\nconsole_format: json\n"))
    get_logger("app").info("order")
    assert json.loads(capsys.readouterr().out)["message"] == "order"


def test_a_directory_in_the_environment_outranks_null(
    write: Write, monkeypatch: pytest.MonkeyPatch, log_dir: Path
) -> None:
    """As with every option."""
    monkeypatch.setenv("LOG_DIR", str(log_dir))
    init_logging_from_config(write("log_dir: null\n"))
    get_logger("app").info("order")
    assert flush_logging(30)
    assert (log_dir / "app.log").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"outputs": {"audit": {"file": "audit.log"}}},
            "outputs.audit.file = 'audit.log' is not allowed: must be left out where log_dir is none: no file can be written",
        ),
        (
            {"console_format": "off"},
            "console_format = 'off' is not allowed: must be a format where log_dir is none: no record would be written anywhere",
        ),
        (
            {"outputs": {"console": False}},
            "outputs.console = False is not allowed: must be left out where log_dir is none: no record would be written anywhere",
        ),
        (
            {"black_box": "dir"},
            "black_box = 'dir' is not allowed: must be shm, or auto or off for no box, where log_dir is none",
        ),
        ({"console": "stdlog"}, "console = 'stdlog' is not allowed: did you mean 'stdout'?"),
        (
            {"console": "stdout", "outputs": {"all": {"stream": "stdout"}}},
            "outputs.all.stream = 'stdout' is not allowed: must be a place of its own: console writes there too",
        ),
        (
            {"console": "stdout", "outputs": {"console": {"stream": "stderr"}}},
            "outputs.console.stream = 'stderr' is not allowed: must be left out: console is standard output",
        ),
    ],
)
def test_what_cannot_work_is_refused(options: dict[str, Any], message: str) -> None:
    """At the start, with the source, the key, the value and what is allowed."""
    with pytest.raises(ConfigurationError) as raised:
        init_logging(log_dir=None, **options)
    assert message in str(raised.value)


def test_a_stream_in_place_of_the_console_is_enough(run_python: Run) -> None:
    """`console_format="off"` is allowed where another output writes."""
    done = run_python(
        """
from unified_logger import *
init_logging(log_dir=None, console_format="off", outputs={"all": {"stream": "stdout", "format": "logfmt"}})
get_logger("app").info("order")
"""
    )
    assert "message=order" in done.stdout


def test_options_of_files_have_no_effect_and_that_is_said(run_python: Run) -> None:
    """In one notice, and only of those that were given."""
    done = run_python(
        """
from unified_logger import *
init_logging(log_dir=None, console="stdout", max_bytes="1MB", fsync="error", file_mode="600", ai_loggers=["x"])
"""
    )
    [notice] = [json.loads(line) for line in done.stdout.splitlines()]
    assert notice["level"] == "WARNING"
    assert (
        notice["message"] == "max_bytes, fsync, file_mode have no effect: log_dir is none, so that no file is written"
    )


def test_outputs_of_files_that_are_not_there_have_no_effect(run_python: Run) -> None:
    """What an image configures of `app` does not keep its container from starting without files."""
    done = run_python(
        """
from unified_logger import *
init_logging(console="stdout", outputs={"app": {"file": "service.log"}, "errors": {"level": "WARNING"}})
""",
        LOG_DIR="none",
    )
    messages = sorted(json.loads(line)["message"] for line in done.stdout.splitlines())
    assert messages == [f"outputs.{name} has no effect: another option turns it off" for name in ("app", "errors")]


def test_ai_records_are_selected_without_their_file(run_python: Run) -> None:
    """`ai` of an output, and `ai_loggers`, hold for streams too."""
    done = run_python(
        """
from unified_logger import *
init_logging(log_dir=None, console="stdout", ai_loggers=["model"], outputs={"console": {"ai": True}})
get_logger("shop").info("order")
get_logger("model").info("answer")
"""
    )
    assert [json.loads(line)["message"] for line in done.stdout.splitlines()] == ["answer"]
