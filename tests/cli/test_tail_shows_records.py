"""`unified-logger tail` shows the last records of a directory, whichever files have them, and goes on with new ones."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from kinds import Run

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
FILL = f"""
from unified_logger import LoggingContext, flush_logging, get_logger, init_logging

init_logging(log_dir="logs", max_bytes=20_000, compress="zstd", console_format="off")
orders, db = get_logger("shop.orders"), get_logger("shop.db.pool")
for number in range(300):
    with LoggingContext(trace_id="{TRACE}" if number % 50 == 7 else None):
        if number % 10 == 9:
            try:
                raise ValueError("no stock\\nat all")
            except ValueError:
                orders.exception("order refused", number=number, customer="王小明")
        else:
            (db if number % 3 else orders).info("order received 🎉", number=number, esc="\\x1b[31m")
    if number % 100 == 99:
        flush_logging(timeout=10.0)
"""


@pytest.fixture
def filled(run_python: Callable[..., Any], tmp_path: Path) -> Path:
    """A directory with rotated, packed and current files of three sets."""
    run_python(FILL)
    assert list((tmp_path / "logs").glob("app.log.*"))
    return tmp_path / "logs"


def numbers(shown: str) -> list[int]:
    """The numbers of records that are shown as JSON."""
    return [json.loads(line)["number"] for line in shown.splitlines()]


def test_the_last_records_come_from_all_files_each_once(run: Run, filled: Path) -> None:
    """Also an error, which stands in two of them. Seen to fail without the memory of what was given."""
    assert numbers(run("tail", "-o", "json").stdout) == list(range(250, 300))
    assert numbers(run("tail", "-n", "7", "-o", "json", "logs").stdout) == list(range(293, 300))
    assert numbers(run("tail", "-n", "all", "-o", "json").stdout) == list(range(300))
    assert numbers(run("tail", "-12", "-r", "-ojson").stdout) == list(range(299, 287, -1))
    assert numbers(run("tail", "-rn", "all", "--output=json").stdout) == list(range(299, -1, -1))
    assert numbers(run("tail", "-n", "all", "-o", "json", "logs/errors.log").stdout) == list(range(9, 300, 10))
    [packed] = [path for path in filled.glob("app.log.*") if path.name.startswith("app.log.1.")] or [None]
    if packed is not None:
        found = numbers(run("tail", "-n", "all", "-o", "json", str(packed)).stdout)
        assert found == list(range(found[0], found[-1] + 1)) != []


def test_conditions_hold_together(run: Run, filled: Path) -> None:
    """Level, logger, trace and times."""
    assert numbers(run("tail", "-l", "error", "-n", "3", "-o", "json").stdout) == [279, 289, 299]
    assert numbers(run("tail", "-l", "40", "-n", "1", "-o", "json").stdout) == [299]
    db = [number for number in range(300) if number % 3 and number % 10 != 9]
    for name in ("shop.db", "shop.db.*", "shop.db.pool"):
        assert numbers(run("tail", "-L", name, "-n", "all", "-o", "json").stdout) == db
    assert numbers(run("tail", "-L", "shop.db", "-L", "shop.orders", "-n2", "-ojson").stdout) == [298, 299]
    assert numbers(run("tail", "-t", TRACE, "-o", "json").stdout) == [7, 57, 107, 157, 207, 257]
    assert numbers(run("tail", "-t", TRACE[:8], "-o", "json").stdout) == [7, 57, 107, 157, 207, 257]
    too_short = run("tail", "-t", TRACE[:7])
    assert (too_short.returncode, "too short" in too_short.stderr) == (2, True)
    assert numbers(run("tail", "-S", "-1h", "-o", "json").stdout) == list(range(300))
    assert numbers(run("tail", "-S", "2h ago", "-U", "-5s", "-n", "all", "-o", "json").stdout) in ([], list(range(300)))
    assert run("tail", "-U", "yesterday").returncode == 1
    assert run("tail", "-S", "@4000000000").returncode == 1


def test_text_is_that_of_the_console(run: Run, filled: Path) -> None:
    """With the exception folded to its last line, and whole on request."""
    shown = run("tail", "-n", "1", "--utc").stdout
    first, below = shown.splitlines()
    assert " ERROR    shop.orders order refused  number=299 customer=王小明" in first
    assert first[10] == "T"
    assert first[23] == "Z"
    assert below == "  │ ValueError: no stock"
    whole = run("tail", "-n", "1", "-x").stdout
    assert "Traceback (most recent call last):" in whole
    assert whole.endswith("│ ValueError: no stock\n  │ at all\n")
    assert "\x1b" not in run("tail", "-n", "all").stdout
    assert "esc=\\x1b[31m" in run("tail", "-n", "2").stdout
    coloured = run("tail", "-n", "1", "--color", "always").stdout
    assert "\x1b[1;31mERROR\x1b[m" in coloured
    assert run("tail", "-n", "3", "-o", "short").stdout.count("\n") == 3
    local = run("tail", "-n", "1").stdout[:29]
    assert datetime.fromisoformat(local).utcoffset() == datetime.now().astimezone().utcoffset()


def test_tables_have_named_values(run: Run, filled: Path) -> None:
    """CSV is read by a reader of CSV, and fields have tabs between them."""
    done = run("tail", "-n", "12", "-o", "csv", "--fields", "time,level,number,exception.message")
    rows = list(csv.reader(io.StringIO(done.stdout, newline="")))
    assert rows[0] == ["time", "level", "number", "exception.message"]
    assert [row[2] for row in rows[1:]] == [str(number) for number in range(288, 300)]
    assert rows[-1][3] == "no stock\nat all"
    assert rows[1][3] == ""
    assert run("tail", "-n1", "-o", "fields", "--fields", "number,customer,missing").stdout == "299\t王小明\t\n"


def test_standard_input_is_read(run: Run, filled: Path) -> None:
    """All of it, or the last lines."""

    def piped(*arguments: str, data: bytes) -> str:
        command = [sys.executable, "-m", "unified_logger", "tail", "-", *arguments]
        return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=False, timeout=60).stdout.decode()

    lines = run("tail", "-n", "all", "-o", "json").stdout.encode()
    assert piped("-o", "json", data=lines).encode() == lines
    assert numbers(piped("-o", "json", "-n", "2", "-l", "error", data=lines)) == [289, 299]
    assert piped("-o", "json", data=lines[:-1]).encode() == lines
    assert piped(data=b"no json \x1b[2J\n") == "no json \\x1b[2J\n"


def test_what_is_wrong_is_said(run: Run, filled: Path) -> None:
    """With what is allowed, on standard error, and with the status of trouble."""
    for arguments, said in [
        (("-l", "loud"), "there is no level 'loud': it may be DEBUG"),
        (("-S", "soon"), "--since = 'soon' is no time: it may be now, today"),
        (("-U", "-10parsecs"), "--until = '-10parsecs' is no time"),
        (("-n", "some"), "--lines = 'some' is not allowed: it must be a number"),
        (("-o", "xml"), "-o = 'xml' is not allowed: it must be one of text, short"),
        (("--folow",), "there is no option --folow: did you mean --follow?"),
        (("-S",), "-S needs a value: -S TIME"),
        (("--utc=1",), "--utc takes no value"),
        (("-fr",), "-f and -r do not go together"),
        (("--fields", "a"), "--fields is for -o csv and -o fields"),
        (("-L", "a*b"), "shop or 'shop.*'"),
        (("missing",), "missing"),
        (("",), "the name of a file is empty"),
    ]:
        done = run("tail", *arguments)
        assert (done.returncode, done.stdout) == (2, ""), arguments
        assert done.stderr.startswith("unified-logger tail: ")
        assert said in done.stderr, done.stderr
    filled.rename(filled.with_name("elsewhere"))
    assert "there is no directory 'logs': name one" in run("tail").stderr


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-02-19", datetime(2026, 2, 19, tzinfo=timezone.utc)),
        ("2026-02-19 10:30", datetime(2026, 2, 19, 10, 30, tzinfo=timezone.utc)),
        ("2026-02-19T10:30:00.25+01:00", datetime(2026, 2, 19, 9, 30, 0, 250_000, tzinfo=timezone.utc)),
        ("2026-02-19t10:30:00z", datetime(2026, 2, 19, 10, 30, tzinfo=timezone.utc)),
        ("@1771493400", datetime(2026, 2, 19, 9, 30, tzinfo=timezone.utc)),
        ("now", timedelta()),
        ("-10m", timedelta(minutes=10)),
        ("-1h30m", timedelta(hours=1, minutes=30)),
        ("2 hours ago", timedelta(hours=2)),
        ("-1.5d", timedelta(days=1.5)),
        ("2w ago", timedelta(weeks=2)),
    ],
)
def test_times_are_understood(text: str, expected: datetime | timedelta) -> None:
    """As operators write them."""
    from unified_logger.cli import _times

    now = datetime.now(timezone.utc)
    wanted = now - expected if isinstance(expected, timedelta) else expected
    found = _times.nanoseconds("-S", text, utc=True) / 1e9
    assert abs(found - wanted.timestamp()) < (5 if isinstance(expected, timedelta) else 1e-5)


def test_days_and_times_of_day_are_those_of_the_zone() -> None:
    """Of the local one, or of UTC."""
    from unified_logger.cli import _times

    for utc in (False, True):
        now = datetime.now(timezone.utc) if utc else datetime.now().astimezone()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        assert _times.nanoseconds("-S", "today", utc=utc) == int(midnight.timestamp()) * 10**9
        half_past = midnight.replace(hour=9, minute=30)
        for text in ("9:30", "09:30", "09:30:00"):
            assert _times.nanoseconds("-S", text, utc=utc) == int(half_past.timestamp()) * 10**9


@pytest.fixture
def followed(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts `tail -f` in the background; it is ended at the end."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "unified_logger", "tail", "-f", *arguments]
        process = subprocess.Popen(
            command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


@pytest.mark.skipif(os.name == "nt", reason="needs signals")
def test_following_goes_on_over_rotation_packing_and_restarts(
    run_python: Callable[..., Any], filled: Path, followed: Callable[..., subprocess.Popen[str]]
) -> None:
    """Each record once and in order, behind the last ones; Ctrl-C ends it with 130 and without a word."""
    process = followed("-n", "5", "-o", "json", "logs/app.log")
    assert process.stdout is not None
    first = [json.loads(process.stdout.readline())["number"] for _ in range(5)]
    assert first == list(range(295, 300))
    for begin in (300, 600):
        run_python(FILL.replace("range(300)", f"range({begin}, {begin + 300})"))
    later = [json.loads(process.stdout.readline())["number"] for _ in range(600)]
    assert later == list(range(300, 900))
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130
    assert process.stderr is not None
    assert process.stderr.read() == ""


@pytest.mark.skipif(os.name == "nt", reason="needs signals")
@pytest.mark.parametrize("name", ["later", "later/app.log"])
def test_what_is_waited_for_is_told(
    run_python: Callable[..., Any], tmp_path: Path, followed: Callable[..., subprocess.Popen[str]], name: str
) -> None:
    """A misspelt name would wait for good without a word. Seen to fail so."""
    (tmp_path / "later").mkdir()
    process = followed("-o", "json", name)
    assert process.stderr is not None
    assert process.stdout is not None
    assert "waited for" in process.stderr.readline()
    run_python(
        'from unified_logger import *; init_logging(log_dir="later", console_format="off"); get_logger("a").info("x", n=1)'
    )
    assert json.loads(process.stdout.readline())["n"] == 1
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130


@pytest.mark.parametrize("command", [["tail", "-f"], ["query", "-f", "count"]], ids=["tail", "query"])
def test_a_directory_that_is_missing_is_not_followed(run: Run, command: list[str]) -> None:
    """Nobody would notice. Seen to fail where it was waited for as a file."""
    done = run(*command, "later")
    assert (done.returncode, "No such file" in done.stderr) == (2, True)


@pytest.mark.skipif(os.name == "nt", reason="needs pipes as Unix has them")
def test_it_ends_quietly_where_its_reader_ends(filled: Path, followed: Callable[..., subprocess.Popen[str]]) -> None:
    """Also while it follows and nothing comes."""
    for arguments in (("-n", "all"), ("-n", "1", "logs")):
        process = followed(*arguments)
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(20) == 141
        with process.stderr:
            assert process.stderr.read() == ""


def test_a_line_of_64_megabytes_takes_a_bounded_amount_of_memory(
    run_python: Callable[..., Any], tmp_path: Path
) -> None:
    """It is cut, and that is said; all the others are shown."""
    logs = tmp_path / "logs"
    logs.mkdir()
    line = '{"timestamp":"2026-02-19T10:30:00Z","level":"INFO","logger":"a","message":"%s"}\n'
    with (logs / "app.log").open("w") as file:
        file.write(line % "first")
        file.write(line % ("x" * (64 << 20)))
        file.write(line % "last")
    # A process of its own counts, which was never as large as the one of the tests.
    code = (
        "import resource, subprocess, sys\n"
        "subprocess.run([sys.executable, '-m', 'unified_logger', 'tail', *sys.argv[1:]])\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)"
    )
    for arguments in (("-n", "all"), ("-n", "2"), ("-r",)):
        done = run_python(code, *arguments)
        assert f"has {len(line) - 3 + (64 << 20)} bytes: its first 1048576 are shown" in done.stderr
        assert done.stdout.count("\n") == (2 if arguments == ("-n", "2") else 3)
        assert "xx…" in done.stdout
        assert int(done.stderr.split()[-1]) <= 64 << 10


def test_it_starts_with_few_imports(filled: Path, tmp_path: Path) -> None:
    """Seen to fail with `argparse`, which takes as long to import as all the rest."""
    code = (
        "import sys; sys.argv[0] = '/usr/bin/unified-logger'; from unified_logger.cli import tail\n"
        "tail.main(['-n', '1'])\nprint(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    imported = set(done.stderr.split())
    assert "unified_logger._core" in imported
    assert not imported & {"argparse", "logging", "re", "json", "datetime", "subprocess", "unified_logger.api"}


def test_the_command_and_the_module_are_the_same(run: Run, filled: Path, tmp_path: Path) -> None:
    """`python -m unified_logger`."""
    command = [sys.executable, "-m", "unified_logger", "tail", "-n", "3"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", check=True)
    assert done.stdout == run("tail", "-n", "3").stdout != ""


def test_every_name_of_the_package_is_there_in_the_command(tmp_path: Path) -> None:
    """They are imported when they are used there."""
    code = (
        "import sys; sys.argv[0] = '/usr/bin/unified-logger'; import unified_logger\n"
        "assert 'unified_logger.api' not in sys.modules\n"
        "for name in unified_logger.__all__: getattr(unified_logger, name)\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)


def test_names_of_levels_that_programs_gave_are_known(run: Run, run_python: Callable[..., Any]) -> None:
    """By the catalogue of the directory."""
    run_python(
        "import logging; from unified_logger import *\nlogging.addLevelName(35, 'AUDIT')\n"
        "init_logging(log_dir='logs', console_format='off')\n"
        "for level in (30, 35, 40): get_logger('shop').log(level, 'm', number=level)\n"
    )
    assert numbers(run("tail", "-l", "audit", "-o", "json").stdout) == [35, 40]


@pytest.mark.skipif(os.name == "nt", reason="needs a terminal of Unix")
def test_it_is_paged_on_a_terminal(filled: Path, tmp_path: Path) -> None:
    """Through the pager that is asked for, with colours; `--no-pager` and `NO_COLOR` are heeded."""
    from terminals import shown_on_terminal

    command = "import sys; from unified_logger.cli import main; sys.exit(main(['tail', '-n', '2'{}]))"
    pager = {"UNIFIED_LOGGER_PAGER": "sed 's/^/paged: /'"}
    shown = shown_on_terminal(command.format(""), tmp_path, 200, **pager)
    assert shown.count("paged: ") == 3
    assert "\x1b[" in shown
    shown = shown_on_terminal(command.format(", '--no-pager'"), tmp_path, 200, NO_COLOR="1", **pager)
    assert "paged: " not in shown
    assert "\x1b[" not in shown
    assert max(len(line) for line in shown.splitlines()) < 200
    # Who leaves the pager early has seen enough.
    everything = command.format(", '-n', 'all', '-x'")
    assert shown_on_terminal(everything, tmp_path, 200, UNIFIED_LOGGER_PAGER="head -n 1").count("\n") == 1
    narrow = shown_on_terminal(command.format(", '-o', 'short', '--no-pager'"), tmp_path, 40, NO_COLOR="1")
    assert all(len(line) <= 40 for line in narrow.splitlines())


def test_records_reach_the_screen_within_a_tenth_of_a_second(
    tmp_path: Path, followed: Callable[..., subprocess.Popen[str]]
) -> None:
    """Nearly always; a machine that is busy with other things may take longer."""
    logs = tmp_path / "logs"
    logs.mkdir()
    process = followed("-o", "json", "logs")
    assert process.stdout is not None
    took = []
    with (logs / "app.log").open("a", buffering=1) as file:
        for number in range(-1, 40):
            file.write(f'{{"timestamp":"2026-02-19T10:30:00Z","level":"INFO","logger":"a","number":{number}}}\n')
            began = time.monotonic()
            process.stdout.readline()
            # The first one waits for the start of the command.
            took += [time.monotonic() - began] if number >= 0 else []
            time.sleep(0.01)
    assert sorted(took)[len(took) // 2] < 0.15, took
