"""Where `sys.stderr` is not the process's own, lines go to what it is at once, whatever that does with them."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from kinds import Records, Run, Start

from unified_logger import flush_logging, get_logger, get_stats

posix = pytest.mark.skipif(os.name != "posix", reason="needs descriptors of POSIX")


def console() -> dict[str, int]:
    """What was counted of the console."""
    counted: dict[str, int] = get_stats()["console"]
    return counted


def test_each_line_is_flushed(start: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file has it when the call is over, as with `logging.StreamHandler`."""
    start(console_format="text")
    before = console()["written"]
    with (tmp_path / "shown.txt").open("w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        get_logger("app").warning("order")
        assert (tmp_path / "shown.txt").read_text().endswith("app order\n")
        with (tmp_path / "other.txt").open("w") as other, contextlib.redirect_stderr(other):
            get_logger("app").warning("elsewhere")
            assert (tmp_path / "other.txt").read_text().endswith("app elsewhere\n")
    assert console()["written"] == before + 2


@posix
def test_a_child_has_nothing_left_to_show(run_python: Run, tmp_path: Path) -> None:
    """What was shown before a fork is not in its copy of the stream's buffer."""
    run_python(
        """
import os, sys
from unified_logger import *
sys.stderr = open("shown.txt", "w")
init_logging(log_dir="logs")
get_logger("shop").warning("order")
for _ in range(3):
    if os.fork() == 0: sys.exit()
    os.wait()
"""
    )
    assert (tmp_path / "shown.txt").read_text().count("order") == 1


def test_a_flush_has_the_stream_flush(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also what others have written to it."""
    start(console_format="text")
    flushes = []

    class Stream(io.StringIO):
        def flush(self) -> None:
            flushes.append(self.getvalue())

    monkeypatch.setattr(sys, "stderr", Stream())
    get_logger("app").warning("order")
    print("from elsewhere", file=sys.stderr)
    assert flush_logging(30)
    assert len(flushes) == 2
    assert flushes[1].endswith("app order\nfrom elsewhere\n")


def test_a_stream_that_cannot_be_flushed_gets_lines(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """It needs nothing but `write`."""
    start(console_format="text")
    before, shown = console(), []

    class Stream:
        def write(self, text: str) -> None:
            shown.append(text)

    monkeypatch.setattr(sys, "stderr", Stream())
    get_logger("app").warning("order")
    assert flush_logging(30)
    assert [line.endswith("app order\n") for line in shown] == [True]
    assert console() == {"written": before["written"] + 1, "dropped": before["dropped"]}


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
@pytest.mark.parametrize("form", ["text", "json"])
def test_a_line_that_the_stream_cannot_encode_has_escapes(
    start: Start, monkeypatch: pytest.MonkeyPatch, encoding: str, form: str
) -> None:
    """Those of JSON, so that a line of JSON stays one."""
    start(console_format=form)
    before, raw = console(), io.BytesIO()
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(raw, encoding))
    get_logger("app").warning("处理 😀", 键="é")
    [line] = raw.getvalue().decode("ascii").splitlines()
    if form == "json":
        assert (json.loads(line)["message"], json.loads(line)["键"]) == ("处理 😀", "é")
    else:
        assert line.endswith(r"app \u5904\u7406 \ud83d\ude00  \u952e=\u00e9")
    assert console() == {"written": before["written"] + 1, "dropped": before["dropped"]}


BROKEN = """
import sys
from unified_logger import *
class Stream:
    {method}
init_logging(log_dir="logs")
sys.stderr = Stream()
for number in range(3):
    get_logger("app").warning("m", number=number)
sys.stderr = sys.__stderr__
assert flush_logging(30)
assert get_stats()["console"]["dropped"] == 3, get_stats()
"""


@pytest.mark.parametrize(
    ("method", "error"),
    [
        ("def write(self, text): raise RuntimeError('broken')", "RuntimeError: broken"),
        ("def write(self, text): raise ''", "TypeError: exceptions must derive from BaseException"),
        ("def flush(self): pass", "AttributeError: 'Stream' object has no attribute 'write'"),
        ("write = print\n    def flush(self): raise OSError('full')", "OSError: full"),
    ],
)
def test_a_stream_that_fails_is_told_once(run_python: Run, tmp_path: Path, method: str, error: str) -> None:
    """On the process's own standard error, with what went wrong; the files have the records."""
    done = run_python(BROKEN.format(method=method))
    assert done.stderr == f"unified_logger: cannot write to sys.stderr: {error}\n"
    assert len((tmp_path / "logs" / "app.log").read_text().splitlines()) == 3


LOGS = {
    "write": "def write(self, text): log.warning(text.rstrip())",
    "flush": "def write(self, text): pass\n    def flush(self): log.warning('flushed')",
    "fileno": "def write(self, text): pass\n    def fileno(self): log.warning('asked'); return 9",
    "any_attribute": "def __getattr__(self, name): log.warning('asked for ' + name); raise AttributeError(name)",
    "logging": "def write(self, text): logging.getLogger('theirs').warning(text.rstrip())",
    "print": "def write(self, text): print(text, end='')",
    "another_logger": "def write(self, text): get_logger('a.b').bind(x=1).error(text.rstrip())",
}


@posix
@pytest.mark.parametrize("methods", LOGS.values(), ids=LOGS)
def test_what_a_stream_logs_is_not_shown_on_it(run_python: Run, tmp_path: Path, methods: str) -> None:
    """One call is shown once. What the stream makes of it goes to the files, and to the process's own standard error."""
    done = run_python(
        f"""
import logging, sys
from unified_logger import *
log = get_logger("app")
class Stream:
    {methods}
class Out:
    # Printed lines become records, as programs have it that redirect all they print.
    def write(self, text):
        if text.strip(): log.warning(text.rstrip())
    def flush(self): pass
init_logging(log_dir="logs", console_format="text")
sys.stdout, sys.stderr = Out(), Stream()
log.warning("one", n=1)
sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
assert flush_logging(30)
""",
        timeout=30,
    )
    messages = [json.loads(line)["message"] for line in (tmp_path / "logs" / "app.log").read_text().splitlines()]
    assert messages.count("one") == 1
    others = [message for message in messages if message != "one"]
    assert 1 <= len(others) <= 4
    shown = [line for line in done.stderr.splitlines() if not line.startswith("unified_logger:")]
    assert len(shown) == len(others)


def test_what_another_thread_logs_meanwhile_is_shown(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what the stream's own thread logs is not."""
    import threading

    start(console_format="text")
    shown = []

    class Stream:
        def write(self, text: str) -> None:
            shown.append(text)
            if len(shown) == 1:
                thread = threading.Thread(target=get_logger("app").warning, args=("from another",))
                thread.start()
                thread.join(30)

    monkeypatch.setattr(sys, "stderr", Stream())
    get_logger("app").warning("from one")
    assert [line.split("app ")[1] for line in shown] == ["from one\n", "from another\n"]


@posix
@pytest.mark.parametrize("gone", ["sys.stderr = None", "del sys.stderr"])
def test_without_a_stream_nothing_is_shown(run_python: Run, tmp_path: Path, gone: str) -> None:
    """As `logging` does: the number of standard error may be anybody's file by then."""
    done = run_python(
        f"""
import sys
from unified_logger import *
init_logging(log_dir="logs")
get_logger("app").warning("before")
assert flush_logging(30)
{gone}
for _ in range(3):
    get_logger("app").warning("after")
assert flush_logging(30)
sys.stderr = sys.__stderr__
"""
    )
    assert [json.loads(line)["message"] for line in done.stderr.splitlines()] == ["before"]
    assert len((tmp_path / "logs" / "app.log").read_text().splitlines()) == 4


@posix
@pytest.mark.parametrize("form", ["json", "text", "auto"])
def test_a_start_without_standard_error_shows_nothing(tmp_path: Path, form: str) -> None:
    """The first file that the program opens has its number."""
    code = f"""
import sys
table = open("table.db", "wb", buffering=0)
assert table.fileno() == 2 and sys.stderr is None
from unified_logger import *
init_logging(log_dir="logs", console_format="{form}")
table.write(b"PAGE-1")
get_logger("shop").warning("order")
assert flush_logging(30)
"""
    subprocess.run(["sh", "-c", '"$0" -c "$1" 2>&-', sys.executable, code], cwd=tmp_path, check=True, timeout=60)
    assert (tmp_path / "table.db").read_bytes() == b"PAGE-1"
    assert len((tmp_path / "logs" / "app.log").read_text().splitlines()) == 1


@pytest.mark.parametrize("method", ["write", "flush", "fileno"])
def test_what_is_for_the_program_reaches_it(
    start: Start, monkeypatch: pytest.MonkeyPatch, records: Records, method: str
) -> None:
    """Ctrl-C in the middle of a stream's own code; the file has the record."""
    start(console_format="text")

    class Stream(io.StringIO):
        pass

    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    setattr(Stream, method, interrupted)
    monkeypatch.setattr(sys, "stderr", Stream())
    with pytest.raises(KeyboardInterrupt):
        get_logger("app").warning("order")
    monkeypatch.undo()
    assert [record["message"] for record in records()] == ["order"]
