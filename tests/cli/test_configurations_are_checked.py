"""`unified-logger config` says what a program would make of a configuration."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from kinds import Run

WRONG = """
log_level: LOUD
queue_size: many
outputs:
  audit: {file: audit.log, levle: info}
"""
RIGHT = """
file_level: WARNING
levels: {shop.db: DEBUG}
redaction: {}
redaction_hash_key: not-to-be-seen-anywhere
"""


def test_all_errors_of_a_file_are_told(run: Run, tmp_path: Path) -> None:
    """Each with its line, its key and what is allowed. Seen to fail with a check that ends at the first."""
    (tmp_path / "wrong.yaml").write_text(WRONG, "utf-8")
    done = run("config", "check", "wrong.yaml", "--json")
    assert (done.returncode, done.stderr) == (2, "")
    errors = json.loads(done.stdout)["errors"]
    assert [(error["line"], error["key"]) for error in errors] == [
        (2, "log_level"),
        (3, "queue_size"),
        (5, "outputs.audit.levle"),
    ]
    assert "DEBUG, INFO" in errors[0]["allowed"]
    assert errors[2]["suggestion"] == "level"
    lines = run("config", "check", "wrong.yaml").stdout.splitlines()
    assert sum(line.startswith("error: wrong.yaml:") for line in lines) == 3


def test_errors_of_the_environment_are_told_beside_those_of_the_file(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program would not start for either. Seen to fail with a look at the environment only where the file is right."""
    (tmp_path / "wrong.yaml").write_text("queue_size: many\n", "utf-8")
    monkeypatch.setenv("UNIFIED_LOGGER_OVERFLOW", "explode")
    errors = json.loads(run("config", "check", "wrong.yaml", "--json").stdout)["errors"]
    assert [error["key"] for error in errors] == ["queue_size", "overflow"]


@pytest.mark.parametrize(
    ("text", "status", "told"),
    [
        (RIGHT, 0, "is right"),
        ("alerting: {enabled: true}\n", 1, "warning: the block 'alerting'"),
        ("log_level: [", 2, "error: x.yaml"),
    ],
)
def test_the_exit_status_tells_warnings_from_errors(
    run: Run, tmp_path: Path, text: str, status: int, told: str
) -> None:
    """As the help says."""
    (tmp_path / "x.yaml").write_text(text, "utf-8")
    done = run("config", "check", "x.yaml")
    assert (done.returncode, told in done.stdout, done.stderr) == (status, True, "")


def test_each_value_has_its_source(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment goes before the file. Secrets are not shown. Seen to fail with hidden options shown as they are."""
    (tmp_path / "right.yaml").write_text(RIGHT, "utf-8")
    monkeypatch.setenv("LOG_CONSOLE_LEVEL", "ERROR")
    monkeypatch.setenv("LOG_FILE_LEVEL", "INFO")
    done = run("config", "show", "--config", "right.yaml", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    shown = {row["option"]: (row["value"], row["source"]) for row in json.loads(done.stdout)}
    assert shown == {
        "levels": ({"shop.db": "DEBUG"}, "right.yaml:3"),
        "console_level": ("ERROR", "environment variable LOG_CONSOLE_LEVEL"),
        "file_level": ("INFO", "environment variable LOG_FILE_LEVEL"),
        "redaction": ("(not shown)", "right.yaml:4"),
        "redaction_hash_key": ("(not shown)", "right.yaml:5"),
    }
    everything = run("config", "show", "--config", "right.yaml", "--all")
    assert "not-to-be-seen" not in everything.stdout
    assert "queue_size" in everything.stdout


def test_defaults_alone_are_nothing_to_show(run: Run) -> None:
    """A wrong file is trouble."""
    assert run("config", "show").returncode == 1
    assert run("config", "show", "--config", "missing.yaml").returncode == 2
    assert run("config").returncode == 2
