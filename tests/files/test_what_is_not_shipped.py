"""Rotated files that a shipper has not taken stay beyond their bounds, within a bound of their own, and what goes all the same is told."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kinds import Start
from over_http import eventually

from unified_logger import flush_logging, get_logger, get_stats, shutdown_logging
from unified_logger.config import resolve

Counts = Callable[[], "Counter[str]"]


def register(log_dir: Path) -> None:
    """A target whose position cannot be read: it counts as having taken nothing."""
    log_dir.mkdir(exist_ok=True)
    for folder in (log_dir / ".unified_logger", log_dir / ".unified_logger" / "ship"):
        folder.mkdir(mode=0o700, exist_ok=True)
    (log_dir / ".unified_logger" / "ship" / "loki.position").write_bytes(b"damaged")


def rotated(log_dir: Path) -> int:
    return len([*log_dir.glob("app-*"), *log_dir.glob("app.log.*")])


def fill(count: int) -> None:
    for _ in range(count):
        get_logger("shop").info("x" * 200)
        assert flush_logging(10)


@pytest.fixture
def counts() -> Callable[[], Counter[str]]:
    """What the process has counted of app.log since the test began."""
    before = Counter(get_stats()["files"]["app"])

    def counts() -> Counter[str]:
        now = Counter(get_stats()["files"]["app"])
        now.subtract(before)
        return now

    return counts


OPTIONS: dict[str, Any] = {"max_bytes": 300, "console_format": "off"}
both_names = pytest.mark.parametrize("names", ["numbered", "dated"])


@both_names
def test_without_a_shipper_nothing_is_held(start: Start, log_dir: Path, counts: Counts, names: str) -> None:
    """Whatever `hold_unshipped` says."""
    start(**OPTIONS, file_names=names, keep={"files": 2}, hold_unshipped="1GB")
    fill(8)
    eventually(lambda: rotated(log_dir) == 2 and counts()["deleted"] == 5)
    assert counts()["deleted_unshipped"] == 0


@both_names
@pytest.mark.parametrize(
    "bound", [{"keep": {"files": 2}}, {"backup_count": 2}, {"keep": {"files": 2}, "compress": "zstd"}]
)
def test_what_is_not_shipped_is_held(
    start: Start, log_dir: Path, counts: Counts, names: str, bound: dict[str, Any]
) -> None:
    """An output may hold nothing of its own. No rotation by number replaces what is held."""
    register(log_dir)
    audit = {"file": "audit.log", "max_bytes": 300, "keep": {"files": 2}, "hold_unshipped": "off"}
    before = get_stats()["files"].get("audit", {}).get("deleted_unshipped", 0)
    start(**OPTIONS, **bound, file_names=names, hold_unshipped="1GB", outputs={"audit": audit})
    fill(8)
    eventually(lambda: get_stats()["files"]["audit"]["deleted_unshipped"] > before)
    assert rotated(log_dir) >= 7
    assert counts()["deleted"] == 0


def test_a_restart_goes_on_holding_and_a_shipper_that_is_gone_holds_nothing(
    start: Start, log_dir: Path, counts: Counts
) -> None:
    """Names with numbers go on behind those that are held."""
    register(log_dir)
    for _ in range(2):
        start(**OPTIONS, keep={"files": 2}, hold_unshipped="1GB")
        fill(6)
        assert (rotated(log_dir), counts()["deleted"]) == (counts()["rotations"], 0)
        shutdown_logging()
    assert rotated(log_dir) >= 10
    (log_dir / ".unified_logger" / "ship" / "loki.position").unlink()
    start(**OPTIONS, keep={"files": 2}, hold_unshipped="1GB")
    fill(3)
    eventually(lambda: sorted(path.name for path in log_dir.glob("app.log.*")) == ["app.log.1", "app.log.2"])
    # A round counts what it has deleted at its end.
    eventually(lambda: counts()["deleted"] == counts()["rotations"] - 2)
    assert counts()["deleted_unshipped"] == 0


@both_names
def test_what_goes_beyond_the_bound_is_counted_and_told(
    start: Start, log_dir: Path, counts: Counts, capfd: pytest.CaptureFixture[str], names: str
) -> None:
    """The oldest goes first, and the log says how many files and bytes, once a minute at most."""
    register(log_dir)
    notices = {"file": "notices.log", "loggers": ["unified_logger"], "keep": "all"}
    start(**OPTIONS, file_names=names, keep={"files": 1}, hold_unshipped=1_000, outputs={"notices": notices})
    fill(12)
    eventually(lambda: counts()["deleted_unshipped"] >= 6)
    found = counts()
    assert found["deleted_unshipped"] == found["deleted"]
    assert rotated(log_dir) >= 3
    notices_of = log_dir / "notices.log"
    eventually(lambda: flush_logging(10) and "before they were shipped" in notices_of.read_text("utf-8"))
    (told,) = [json.loads(line) for line in notices_of.read_text("utf-8").splitlines() if "before they were" in line]
    assert (told["level"], told["files"] > 0, told["bytes"] > told["files"]) == ("WARNING", True, True)
    assert "cannot read how far a shipper is" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("value", "held"), [(False, 0), ("off", 0), ("OFF", 0), ("20GB", 20_000_000_000), (1_000, 1_000)]
)
def test_a_size_or_off_is_meant_however_it_is_written(value: object, held: int) -> None:
    """YAML reads off as false. An output without a value of its own shares the number of all."""
    outputs = {"audit": {"file": "audit.log", "hold_unshipped": value}, "other": {"file": "other.log"}}
    settings = resolve({}, file={"hold_unshipped": value, "outputs": outputs}, environ={})
    to = settings.to_engine()["output"]
    files = {name: output["to"]["file"] for name, output in to["to"]["outputs"].items() if "file" in output["to"]}
    assert (to["hold_unshipped"], files["audit"]["hold_unshipped"]) == (held, held)
    assert "hold_unshipped" not in files["other"]
