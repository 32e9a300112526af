"""Each count is in the metrics: by cause, by rule, by how long it took."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from kinds import Run, Scrape

PROGRAM = """
import sys
from unified_logger import flush_logging, get_logger, get_stats, init_logging, rotate_logging
init_logging(log_dir="logs", console_format="off", max_bytes=60_000, backup_count=1, queue_size=7_000, overflow="block")
for number in range(3_000):
    get_logger("app").info("m", number=number)
assert flush_logging(30)
assert rotate_logging(30)
get_logger("app").info("m")
assert flush_logging(30)
"""


def test_files_are_counted_by_cause_and_rule(run_python: Run, scrape: Scrape) -> None:
    """Why each was changed for a new one, and why it was deleted."""
    run_python(PROGRAM + "app = get_stats()['files']['app']\nprint(app['rotations'], app['deleted'])\n")
    scraped = scrape()
    causes = {
        cause: scraped[f'rotations_total{{file="app",cause="{cause}"}}']
        for cause in ("size", "call", "period", "start", "signal")
    }
    assert causes["size"] > 3
    assert causes == {"size": causes["size"], "call": 1, "period": 0, "start": 0, "signal": 0}
    assert scraped['files_deleted_total{file="app",rule="files"}'] == causes["size"]
    assert scraped['files_deleted_total{file="app",rule="age"}'] == 0
    assert scraped['compressions_total{file="app",result="failed"}'] == 0
    assert scraped["disk_free_bytes"] > 0


def test_durations_are_histograms(run_python: Run, scrape: Scrape) -> None:
    """Each batch is timed, and one call in 1,024."""
    done = run_python(PROGRAM + "stats = get_stats()\nprint(stats['batches'], stats['calls_timed'])\n")
    scraped = scrape()
    batches, calls = map(int, done.stdout.split())
    assert scraped["write_duration_seconds_count"] == batches
    assert scraped['write_duration_seconds_bucket{le="+Inf"}'] == batches
    assert scraped["call_duration_seconds_count"] == calls == 2
    assert 0 < scraped["call_duration_seconds_sum"] < 10
    assert scraped['call_duration_seconds_bucket{le="1.0"}'] == 2


def test_a_queue_tells_how_much_it_holds(tmp_path: Path, scrape: Scrape) -> None:
    """As long as its process lives."""
    code = PROGRAM + "print('logs', flush=True)\nsys.stdin.read()\n"
    worker = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert worker.stdout is not None
    worker.stdout.readline()
    scraped = scrape()
    assert (scraped["queue_capacity_records"], scraped["queue_records"]) == (7_000, 0)
    assert 0 < scraped["queue_records_max"] <= 7_000
    worker.communicate(timeout=30)
    assert scrape()["queue_capacity_records"] == 0
