"""`console_format` takes names and templates; the environment decides on colours; what is wrong is told with its place."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kinds import Run
from terminals import shown_on_terminal, without_colors

from unified_logger import ConfigurationError, get_logger, init_logging

PROGRAM = """
from unified_logger import LoggingContext, get_logger, init_logging
init_logging(log_dir="logs", console_format={format!r})
with LoggingContext(trace_id="4bf92f3577b34da6a3ce929d0e0e4736"):
    get_logger("shop").warning({message!r}, order=7, user="ann")
"""
on_terminals = pytest.mark.skipif(os.name != "posix", reason="terminals are those of POSIX")


@pytest.mark.parametrize(
    ("template", "line"),
    [
        ("{time:%H:%M} {level:>8} {logger}: {message}", r"\d\d:\d\d  WARNING shop: paid"),
        ("{message} {trace_id:8} [{fields.user}] {fields}", r"paid 4bf92f35 \[ann\] order=7"),
        ("{level:.1} {place} {message}", r"W program_0:<module>:5 paid"),
        ("{process} {thread} {message}", r"\d+ MainThread paid"),
        ("{{{message}}} {ids:full}", r"\{paid\} trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span_id=\w{16}"),
        ("{time:utc %Y} {time:Asia/Shanghai %z} {message}", r"\d{4} \+0800 paid"),
        ("compact", r"\d\d:\d\d:\d\d W paid  order=7 user=ann"),
        (
            "full",
            r"\d{4}-\d\d-\d\d [\d:.]{15}\+00:00 WARNING  \d+ MainThread shop \S+ paid  order=7 user=ann trace_id=4\w{31} span_id=\w{16}",
        ),
        ("text", r"\d{4}-\d\d-\d\dT[\d:.]{12}Z WARNING  shop paid  order=7 user=ann trace_id=4\w{31} span_id=\w{16}"),
    ],
)
def test_a_template_says_what_stands_where(run_python: Run, template: str, line: str) -> None:
    """In a pipe as on a terminal."""
    done = run_python(PROGRAM.format(format=template, message="paid"))
    assert re.fullmatch(line, done.stderr.rstrip("\n")), done.stderr


@pytest.mark.parametrize(
    ("template", "told"),
    [
        (
            "{time} {mesage}",
            "not allowed: did you mean '{message}'?\nIt must be a template of known parts: at character 9, there is no part of this name, 'mesage'.",
        ),
        ("{time", "at character 1, a { that is not closed"),
        ("{level:wide}", "at character 8, {level} takes columns"),
        ("{time:Moon}", "at character 7, {time} takes utc, local or the name of a time zone"),
        ("txet", "one of auto, "),
        ("txet", "did you mean 'text'?"),
        ("", "one of auto, "),
    ],
)
def test_a_wrong_template_fails_at_the_start(tmp_path: Path, template: str, told: str) -> None:
    """With the place in its text, and the nearest name."""
    with pytest.raises(ConfigurationError) as failure:
        init_logging(log_dir=tmp_path, console_format=template)
    assert told in str(failure.value)
    assert failure.value.key == "console_format"


def test_the_environment_and_outputs_take_templates(run_python: Run, tmp_path: Path) -> None:
    """As the argument does."""
    code = """
from unified_logger import get_logger, init_logging
init_logging(log_dir="logs", outputs={"brief": {"file": "brief.log", "format": "{level} {message}"}})
get_logger("shop").warning("paid")
"""
    done = run_python(code, UNIFIED_LOGGER_CONSOLE_FORMAT="<{message}>")
    assert done.stderr == "<paid>\n"
    assert (tmp_path / "logs" / "brief.log").read_text() == "WARNING  paid\n"


@on_terminals
@pytest.mark.parametrize(
    ("environment", "is_colored"),
    [
        ({}, True),
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": ""}, True),
        ({"TERM": "dumb"}, False),
        ({"CLICOLOR": "0"}, False),
        ({"FORCE_COLOR": "0"}, False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        ({"NO_COLOR": "1", "PYTHON_COLORS": "1"}, True),
        ({"PYTHON_COLORS": "0", "FORCE_COLOR": "1"}, False),
        ({"TERM": "dumb", "CLICOLOR_FORCE": "1"}, True),
    ],
)
def test_variables_decide_on_colors(tmp_path: Path, environment: dict[str, str], is_colored: bool) -> None:
    """The first that says something."""
    shown = shown_on_terminal(PROGRAM.format(format="text", message="paid"), tmp_path, **environment)
    assert ("\x1b" in shown) is is_colored


@pytest.mark.parametrize(
    ("environment", "is_colored"),
    [({}, False), ({"FORCE_COLOR": "1"}, True), ({"CLICOLOR_FORCE": "1"}, True), ({"COLORTERM": "truecolor"}, False)],
)
def test_text_in_a_pipe_has_colors_on_request(run_python: Run, environment: dict[str, str], is_colored: bool) -> None:
    """Pagers show them."""
    done = run_python(PROGRAM.format(format="text", message="paid"), **environment)
    assert ("\x1b" in done.stderr) is is_colored


@on_terminals
@pytest.mark.parametrize(("columns", "variable"), [(60, ""), (0, "60"), (200, "60")])
def test_no_line_is_wider_than_the_terminal(tmp_path: Path, columns: int, variable: str) -> None:
    """COLUMNS says it, else the terminal. What goes on is marked, so that blanks cannot bring a text of others to the beginning of a line."""
    message = "x " * 20 + " " * 200 + "10:00:00.000 INFO forged"
    environment = {"COLUMNS": variable} if variable else {}
    shown = without_colors(
        shown_on_terminal(PROGRAM.format(format="text", message=message), tmp_path, columns, **environment)
    )
    first, *below = shown.splitlines()
    assert all(len(line) <= 60 for line in (first, *below))
    assert below
    assert all(line.startswith("  │ ") for line in below)


@on_terminals
def test_people_read_local_times_and_short_ids(tmp_path: Path) -> None:
    """As long as they read them on a terminal."""
    shown = shown_on_terminal(PROGRAM.format(format="auto", message="paid"), tmp_path, TZ="Asia/Kolkata", NO_COLOR="1")
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3} WARNING  shop paid +order=7 user=ann trace_id=4bf92f35\n", shown)


def test_a_change_of_the_template_is_taken_over(start: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """By another start."""
    import io
    import sys

    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    for template in ("<{message}>", "[{message}]"):
        start(console_format=template)
        get_logger("app").info("m")
    assert stream.getvalue() == "<m>\n[m]\n"
