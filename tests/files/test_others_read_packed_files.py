"""Programs of others read packed files, and find in them the lines that were there before."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import lives
import pytest

OPTIONS = {"max_bytes": 300_000, "keep": "all"}
ENDS = {"gzip": ".gz", "zstd": ".zst"}


class Packed:
    """Rotated files, packed, and what they were before."""

    def __init__(self, logs: Path, before: dict[str, bytes], end: str) -> None:
        self.logs, self.before, self.end = logs, before, end
        self.paths = {name: logs / f"{name}{end}" for name in before}

    def lines(self) -> list[bytes]:
        """All lines, of each file in its order."""
        return [line for text in self.before.values() for line in text.splitlines()]


PROGRAM = f"""
from unified_logger import flush_logging, get_logger, init_logging
init_logging(log_dir="logs", console_format="off", **{OPTIONS!r})
logger = get_logger("shop")
for number in range(4_000):
    logger.info("订单 paid", number=number, trace=f"{{number:032x}}", text='"' * (number % 7))
logger.info("x" * 1_500_000, number=4_000)
for number in range(4_001, 4_100):
    logger.info("m", number=number)
assert flush_logging(60)
"""


@pytest.fixture(scope="module", params=ENDS)
def packed(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Packed:
    """Files of several parts, one line of which has more than a part."""
    log_dir = tmp_path_factory.mktemp(request.param) / "logs"
    subprocess.run([sys.executable, "-c", PROGRAM], cwd=log_dir.parent, check=True, timeout=120)
    before = {path.name: path.read_bytes() for path in lives.files(log_dir) if path.name != "app.log"}
    assert len(before) > 3
    options = {**OPTIONS, "compress": request.param}
    assert lives.undone_by_the_next(log_dir, options, 60) == []
    packed = Packed(log_dir, before, ENDS[request.param])
    assert sorted(path.name for path in packed.paths.values()) == sorted(
        path.name for path in lives.files(log_dir) if path.name != "app.log"
    )
    return packed


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


def test_the_usual_programs_give_every_byte(packed: Packed) -> None:
    """`zcat` and `zstdcat`, of each file and of all of them."""
    cat = program({".gz": "zcat", ".zst": "zstdcat"}[packed.end])
    for name, path in packed.paths.items():
        done = subprocess.run([cat, path], capture_output=True, check=True, timeout=60)
        assert digest(done.stdout) == digest(packed.before[name])
    done = subprocess.run([cat, *packed.paths.values()], capture_output=True, check=True, timeout=60)
    assert digest(done.stdout) == digest(b"".join(packed.before.values()))


def test_python_gives_every_byte(packed: Packed) -> None:
    """Its module `gzip`, and `compression.zstd` from 3.14 on."""
    module = pytest.importorskip({".gz": "gzip", ".zst": "compression.zstd"}[packed.end])
    for name, path in packed.paths.items():
        with module.open(path) as file:
            assert digest(file.read()) == digest(packed.before[name])


def test_ripgrep_finds_every_line(packed: Packed) -> None:
    """With `-z`."""
    search = [program("rg"), "-z", "--no-filename", "--sort=none", "--text"]
    if packed.end == ".zst":
        program("zstd")  # which it calls
    done = subprocess.run([*search, "", *packed.paths.values()], capture_output=True, check=True, timeout=60)
    assert sorted(done.stdout.splitlines()) == sorted(packed.lines())
    done = subprocess.run(
        [*search, f"{2_345:032x}", *packed.paths.values()], capture_output=True, check=True, timeout=60
    )
    assert [json.loads(line)["number"] for line in done.stdout.splitlines()] == [2_345]


def test_lnav_shows_every_line(packed: Packed, tmp_path: Path) -> None:
    """Without a terminal."""
    lnav = program("lnav")
    version = re.search(r"(\d+)\.(\d+)", subprocess.run([lnav, "-V"], capture_output=True, text=True).stdout)
    assert version is not None
    if packed.end == ".zst" and (int(version[1]), int(version[2])) < (0, 12):
        pytest.skip("this version of lnav does not know zstd")
    for name, path in packed.paths.items():
        done = subprocess.run(
            [lnav, "-n", path], env={**os.environ, "HOME": str(tmp_path)}, capture_output=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        assert digest(done.stdout) == digest(packed.before[name])


def test_duckdb_reads_every_record(packed: Packed) -> None:
    """With `read_json`, over all files at once."""
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")
    query = f"""
        select number, message, length(message), "level"
        from read_json('{packed.logs}/app.log.*{packed.end}', format='newline_delimited', maximum_object_size=4000000)
        order by number
    """
    found = duckdb.connect().execute(query).fetchall()
    records = sorted((json.loads(line) for line in packed.lines()), key=lambda record: record["number"])
    assert found == [(r["number"], r["message"], len(r["message"]), r["level"]) for r in records]
