"""A link leads to the current file, and is never taken for a log file itself."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from kinds import Start

from unified_logger import ConfigurationError, flush_logging, get_logger, get_stats, init_logging, rotate_logging

pytestmark = pytest.mark.skipif(os.name != "posix", reason="links are a privilege on this system")


def log(message: str) -> None:
    get_logger("shop").info(message)
    assert flush_logging(10)


def messages(path: Path) -> list[str]:
    found = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [record["message"] for record in found if record["logger"] != "unified_logger"]


def links(log_dir: Path) -> dict[str, str]:
    return {path.name: str(path.readlink()) for path in log_dir.iterdir() if path.is_symlink()}


def test_each_current_file_has_a_link(start: Start, log_dir: Path) -> None:
    """From the start on, and after each rotation."""
    start(current_link=True, outputs={"audit": {"file": "audit", "current_link": "latest"}})
    expected = {
        "app-current.log": "app.log",
        "errors-current.log": "errors.log",
        "ai_responses-current.log": "ai_responses.log",
        "latest": "audit",
    }
    assert links(log_dir) == expected
    for number in range(3):
        log(f"record {number}")
        assert messages(log_dir / "app-current.log") == [f"record {number}"]
        assert rotate_logging(10)
    assert links(log_dir) == expected
    assert {path.name for path in log_dir.glob("*.log.*")} == {"app.log.1", "app.log.2", "app.log.3"}


def test_a_name_is_that_of_the_link_to_app_log(start: Start, log_dir: Path) -> None:
    """Others get theirs in `outputs`, and a file may have none."""
    start(current_link="current.log", outputs={"errors": {"current_link": True}, "app": {}})
    assert links(log_dir) == {"current.log": "app.log", "errors-current.log": "errors.log"}
    (log_dir / "current.log").unlink()
    (log_dir / "errors-current.log").unlink()
    start(current_link=True, outputs={"app": {"current_link": False}, "ai": False})
    assert links(log_dir) == {"errors-current.log": "errors.log"}


def test_a_link_that_leads_elsewhere_is_pointed_at_the_file(start: Start, log_dir: Path) -> None:
    """And one that was removed is made again, at the next rotation."""
    log_dir.mkdir()
    (log_dir / "current.log").symlink_to("/nowhere")
    start(current_link="current.log")
    assert links(log_dir) == {"current.log": "app.log"}
    (log_dir / "current.log").unlink()
    log("m")
    assert rotate_logging(10)
    assert links(log_dir) == {"current.log": "app.log"}
    assert not [path.name for path in log_dir.iterdir() if path.name.endswith(".tmp")]


def test_what_is_no_link_is_left_alone_and_told(start: Start, log_dir: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Records are written all the same."""
    log_dir.mkdir()
    (log_dir / "current.log").write_text("of somebody", "utf-8")
    before = get_stats()["errors"]
    start(current_link="current.log")
    log("m")
    log("m")
    assert (log_dir / "current.log").read_text("utf-8") == "of somebody"
    assert messages(log_dir / "app.log") == ["m", "m"]
    assert get_stats()["errors"] - before == 1
    told = capfd.readouterr().err
    assert told.count("cannot make the link to the current file") == 1
    assert "current.log: something else has its name" in told


@pytest.mark.parametrize(
    ("options", "key", "allowed"),
    [
        ({"current_link": "a/b"}, "current_link", "the name of a link"),
        ({"current_link": ".hidden"}, "current_link", "the name of a link"),
        ({"current_link": ""}, "current_link", "the name of a link"),
        ({"current_link": 1}, "current_link", "the name of a link"),
        ({"current_link": "app.log"}, "current_link", "a name that no log file and no other link has"),
        ({"current_link": "ERRORS.log"}, "current_link", "a name that no log file and no other link has"),
        ({"current_link": "app.log.1"}, "current_link", "a name that no rotated file has"),
        ({"current_link": "errors-2026-02-19.log.3.zst"}, "current_link", "a name that no rotated file has"),
        (
            {"outputs": {"app": {"current_link": "x"}, "errors": {"current_link": "x"}}},
            "outputs.errors.current_link",
            "a name that no log file and no other link has",
        ),
        ({"outputs": {"console": {"current_link": "x"}}}, "outputs.console.current_link", "outputs with `file` only"),
        ({"outputs": {"more": {"file": "app-2026-02-19.log"}}}, "outputs.more.file", "a place of its own"),
        ({"outputs": {"more": {"file": "app.log.7.zst"}}}, "outputs.more.file", "a place of its own"),
    ],
)
def test_names_of_log_files_are_refused(log_dir: Path, options: dict[str, Any], key: str, allowed: str) -> None:
    """Of those that there are, and of those that rotations make."""
    with pytest.raises(ConfigurationError) as caught:
        init_logging(log_dir=log_dir, **options)
    assert (caught.value.key, allowed in caught.value.allowed) == (key, True), caught.value
