"""An option of log files that changes nothing beside the others is told once, by its key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from kinds import Records, Start

from unified_logger import load_config
from unified_logger.config.resolve import resolve

COMPRESS = "compress is off"
PERIODS = "rotate names no time, by every or at"
ZONE = "rotate names no time, by every or at, and files have numbers"
KEPT = "keep says which rotated files stay"
NEVER = "no file is rotated where backup_count is 0, unless keep says which stay"

AUDIT = {"file": "audit.log"}
# Options, and each key without effect with the reason.
CASES: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"compress_level": 3}, {"compress_level": COMPRESS}),
    ({"compress_level": 3, "compress": "gzip"}, {}),
    ({"compress_level": 3, "outputs": {"audit": {**AUDIT, "compress": "zstd"}}}, {}),
    (
        {"compress_level": 3, "outputs": {"audit": {**AUDIT, "compress": "zstd", "compress_level": 1}}},
        {"compress_level": COMPRESS},
    ),
    ({"outputs": {"app": {"compress_level": 3}}}, {"outputs.app.compress_level": COMPRESS}),
    (
        {"compress": "zstd", "outputs": {"app": {"compress": "off", "compress_level": 3}}},
        {"outputs.app.compress_level": COMPRESS},
    ),
    ({"rotate": {"max_random_delay": 60}}, {"rotate.max_random_delay": PERIODS}),
    ({"rotate": {"max_random_delay": 60, "at": "03:00"}}, {}),
    ({"rotate": {"at_start": True, "zone": "local"}}, {"rotate.zone": ZONE}),
    ({"rotate": {"at_start": True, "zone": "local"}, "file_names": "dated"}, {}),
    ({"rotate": {}}, {"rotate": "it is empty"}),
    ({"outputs": {"audit": {**AUDIT, "rotate": {"zone": "utc"}}}}, {"outputs.audit.rotate.zone": ZONE}),
    ({"backup_count": 3, "keep": {"age": "14d"}}, {"backup_count": KEPT}),
    ({"ai_backup_count": 3, "keep": {"disk_free": "10%"}}, {"ai_backup_count": KEPT}),
    ({"backup_count": 3, "keep": "all", "outputs": {"app": {"keep": None}}}, {}),
    ({"backup_count": 3, "keep": "all", "outputs": {"ai": {"keep": None}}}, {"backup_count": KEPT}),
    ({"outputs": {"audit": {**AUDIT, "keep": "all", "backup_count": 3}}}, {"outputs.audit.backup_count": KEPT}),
    ({"file_names": "dated", "backup_count": 0}, {}),
    ({"file_names": "dated", "backup_count": 0, "enable_ai_handler": False}, {"file_names": NEVER}),
    ({"file_names": "dated", "backup_count": 0, "ai_backup_count": 0}, {"file_names": NEVER}),
    ({"outputs": {"app": {"file_names": "dated", "backup_count": 0}}}, {"outputs.app.file_names": NEVER}),
    ({"hold_unshipped": "1GB", "log_dir": None}, {"hold_unshipped": "log_dir is none, so that no file is written"}),
    ({}, {}),
]


@pytest.mark.parametrize(("options", "expected"), CASES)
def test_what_changes_nothing_is_told(options: dict[str, Any], expected: dict[str, str]) -> None:
    """And nothing else is."""
    found = resolve(options, environ={}).notices
    assert found == tuple(f"{key} has no effect: {reason}" for key, reason in expected.items())


def test_it_is_a_record_of_the_start(start: Start, records: Records) -> None:
    """At WARNING."""
    start(compress_level=3, console_format="off")
    told = [record for record in records() if "has no effect" in record["message"]]
    assert [(record["level"], record["message"]) for record in told] == [
        ("WARNING", "compress_level has no effect: compress is off")
    ]


def test_what_a_handler_that_rotates_by_time_keeps_is_its_own(tmp_path: Path) -> None:
    """Its `backupCount` is not taken for an option beside `keep`."""
    path = tmp_path / "logging.yaml"
    handler = "{class: logging.handlers.TimedRotatingFileHandler, when: midnight, backupCount: 14}"
    path.write_text(f"log_dir: logs\nhandlers:\n  app_file: {handler}\n", "utf-8")
    assert resolve({}, file=load_config(path), file_path=str(path), environ={}).notices == ()
