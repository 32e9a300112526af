"""Nothing that is logged makes a second line, speaks to a terminal or turns what people read, in any output."""

from __future__ import annotations

import io
import json
import os
import re
import sys
import threading
import unicodedata
from pathlib import Path

import pytest
from kinds import Records, Run, Start

from unified_logger import ConfigurationError, LoggingContext, flush_logging, get_logger, init_logging, load_config

CONTROLS = "".join(chr(code) for code in (*range(0x20), *range(0x7F, 0xA0)))
SEPARATORS = "\u2028\u2029"
DIRECTIONS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
INVISIBLE = "\u00ad\u180e\u200b\u200c\u200d\u2060\u2063\ufeff\ufff9\U000e0041"
ESCAPES = "\x1b[2J\x1b]0;title\x07\x1b[31m\x9b31m\x90q\x9c"
FORGED = '\n{"timestamp":"2026-01-01T00:00:00.000000+00:00","level":"INFO","logger":"bank","message":"paid"}\n'
HOSTILE = {
    "controls": f"a{CONTROLS}b",
    "separators": f"a{SEPARATORS}b",
    "directions": f"a{DIRECTIONS}b",
    "invisible": f"a{INVISIBLE}b",
    "escapes": ESCAPES,
    "a forged line": FORGED,
    "surrogates": "a\ud800\udfff\udc80b",
    "a path": "../../etc/passwd\0.log",
    "a megabyte": "m" * 1_000_000,  # far beyond what is kept of a text
}
ACTING = set(CONTROLS) | set(SEPARATORS) | set(DIRECTIONS)
hostile = pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)


def log_all(text: str) -> None:
    """The text everywhere a record has one: names, thread, message, fields, context, exception, notes, stack."""

    def log() -> None:
        logger = get_logger(f"app.{text}")
        logger.info(text)
        logger.info("%s", text)
        logger.info("field", **{text: text, f"{text}2": {text: [text]}})
        with LoggingContext(trace_id=text, span_id=text, **{f"{text}3": text}):
            logger.warning("context", data=text.encode("utf-8", "surrogatepass"))
        try:
            error = ValueError(text)
            if hasattr(error, "add_note"):
                error.add_note(text)
            raise error from KeyError(text)
        except ValueError:
            logger.exception(text, stack_info=True)
        logger.logger.warning("stdlib %s", text, extra={f"{text}4": text})

    thread = threading.Thread(target=log, name=text)
    thread.start()
    thread.join()


RECORDS = 6
# Characters of one text; a longer one is cut there, and says so.
KEPT = 256 * 1024


def assert_harmless_json(shown: bytes, count: int) -> None:
    """As many lines as records, whoever splits them, and nothing that acts."""
    text = shown.decode("utf-8")
    assert len(text.splitlines()) == text.count("\n") == count
    assert not (set(text) - {"\n"}) & ACTING
    for line in text.splitlines():
        assert json.loads(line)["logger"] != "bank"


@hostile
@pytest.mark.usefixtures("mode")
def test_files_have_one_line_for_each_record(start: Start, log_dir: Path, text: str) -> None:
    """Also for readers that split at U+0085 or U+2028. Seen to fail without `escape::json_line`."""
    start(console_format="off", max_bytes=0)
    log_all(text)
    assert flush_logging(30)
    assert_harmless_json((log_dir / "app.log").read_bytes(), RECORDS)
    assert_harmless_json((log_dir / "errors.log").read_bytes(), 1)


@hostile
def test_what_was_logged_reads_back(start: Start, records: Records, text: str) -> None:
    """Escapes are those of JSON: nothing is changed but halves of surrogates, which are written out."""
    start(console_format="off", max_bytes=0)
    log_all(text)
    whole = text.encode("utf-8", "backslashreplace").decode()[:KEPT]
    first, second, third, *_ = records()
    assert [first[key][:KEPT] for key in ("message", "thread")] == [whole, whole]
    assert first["logger"][:KEPT] == f"app.{whole}"[:KEPT]
    assert second["message"][:KEPT] == whole
    assert {key[:KEPT]: value[:KEPT] for key, value in third.items() if isinstance(value, str)}[whole] == whole


@hostile
@pytest.mark.usefixtures("mode")
@pytest.mark.parametrize("console_format", ["text", "json"])
def test_a_replaced_stderr_is_spoken_to_the_same_way(
    start: Start, monkeypatch: pytest.MonkeyPatch, text: str, console_format: str
) -> None:
    """Notebooks and test runners."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    start(console_format=console_format)
    log_all(text)
    shown = stream.getvalue()
    if console_format == "json":
        assert_harmless_json(shown.encode(), RECORDS)
    else:
        assert_harmless_text(shown)


def assert_harmless_text(shown: str) -> None:
    """A line for each record; what belongs to it stands below, marked, and cannot be taken for a record."""
    lines = shown.split("\n")
    assert lines.pop() == ""
    heads = [line for line in lines if not line.startswith("  │")]
    assert len(heads) == RECORDS, heads
    assert all(re.match(r"[\d-]", line) for line in heads)
    assert not (set(shown) - {"\n"}) & ACTING
    assert shown.count("\n") == len(shown.splitlines())
    assert not [character for character in shown if unicodedata.category(character) in ("Cf", "Cs", "Zl", "Zp")]


PROGRAM = """
import json, sys, threading
from unified_logger import LoggingContext, get_logger, init_logging
text = json.loads(open("text.json").read())
init_logging(log_dir="logs", console_format=sys.argv[1])
def log():
    get_logger("app." + text).info(text, **{text: text})
    try:
        raise ValueError(text)
    except ValueError:
        get_logger("app").exception("failed")
thread = threading.Thread(target=log, name=text)
thread.start()
thread.join()
"""


@pytest.mark.parametrize("switch", ["true", "false"], ids=["engine", "fallback handlers"])
@pytest.mark.parametrize("console_format", ["text", "json"])
def test_the_process_own_stderr_too(run_python: Run, tmp_path: Path, console_format: str, switch: str) -> None:
    """Written by the console's thread, or by the handlers of the plain mode."""
    text = "".join(HOSTILE[name] for name in ("controls", "separators", "directions", "invisible", "a forged line"))
    (tmp_path / "text.json").write_text(json.dumps(text))
    shown = run_python(PROGRAM, console_format, USE_UNIFIED_LOGGING=switch).stderr
    assert not (set(shown) - {"\n"}) & ACTING
    heads = [line for line in shown.split("\n")[:-1] if not line.startswith("  │")]
    assert len(heads) == 2, heads


def test_colours_are_all_that_speaks_to_the_terminal(run_python: Run, tmp_path: Path) -> None:
    """And each ends with the piece it colours."""
    (tmp_path / "text.json").write_text(json.dumps(ESCAPES))
    shown = run_python(PROGRAM, "text", FORCE_COLOR="1").stderr
    assert set(re.findall(r"\x1b.{0,9}?(?:m|$)", shown)) <= {
        "\x1b[m",
        "\x1b[1m",
        "\x1b[2m",
        "\x1b[31m",
        "\x1b[1;31m",
        "\x1b[32m",
        "\x1b[36m",
        "\x1b[1;37;41m",
    }
    assert "\\x1b[2J" in shown


def test_joiners_stay_in_scripts_that_need_them(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Persian, and emoji of several."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    start(console_format="text")
    get_logger("app").info("می\u200cخواهم 👩\u200d💻")
    assert "می\u200cخواهم 👩\u200d💻" in stream.getvalue()


def test_a_name_of_a_level_is_escaped(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """As given to `logging.addLevelName`."""
    import logging

    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    logging.addLevelName(23, "X\n\x1b[2J")
    try:
        start(console_format="text")
        get_logger("app").log(23, "m")
    finally:
        logging.addLevelName(23, "Level 23")
    assert stream.getvalue().count("\n") == 1
    assert "\x1b" not in stream.getvalue()


@hostile
@pytest.mark.usefixtures("mode")
def test_a_loggers_name_never_becomes_a_path(start: Start, tmp_path: Path, log_dir: Path, text: str) -> None:
    """Whatever it is: there are the files that there always are."""
    start(console_format="off", max_bytes=0)
    before = {path for path in tmp_path.rglob("*") if log_dir not in (path, *path.parents)}
    log_all(text)
    get_logger("../../escaped").error("m")
    get_logger(str(tmp_path / "absolute")).error("m")
    assert flush_logging(30)
    names = {path.name for path in log_dir.iterdir()}
    assert names <= {"app.log", "errors.log", "ai_responses.log", ".unified_logger.lock", ".unified_logger"}
    assert {path for path in tmp_path.rglob("*") if log_dir not in (path, *path.parents)} == before


def test_trouble_is_told_on_one_harmless_line(run_python: Run, tmp_path: Path) -> None:
    """A directory can be called anything. Seen to fail without the escapes for people (`escape::put`)."""
    done = run_python(
        """
import os, shutil, sys
from unified_logger import flush_logging, get_logger, init_logging, shutdown_logging
directory = "logs\\n\\x1b[2Jforged\\u202e\\x9b"
init_logging(log_dir=directory, console_format="off")
get_logger("app").error("before")
assert flush_logging(20)
shutil.rmtree(directory)
open(directory, "w").close()
get_logger("app").error("after")
shutdown_logging(timeout=0.5)
os._exit(0)
"""
    )
    assert "unified_logger: cannot" in done.stderr
    assert "forged" in done.stderr
    assert not (set(done.stderr) - {"\n"}) & ACTING
    assert all(line.startswith("unified_logger: cannot") for line in done.stderr.splitlines())


@hostile
def test_errors_of_a_configuration_are_two_harmless_lines_at_most(tmp_path: Path, text: str) -> None:
    """Whatever stands for key, value or path."""
    name = re.sub(r"[/\0\ud800-\udfff]", "", text)[:60]
    path = tmp_path / f"{name}.yaml"
    path.write_text("log_level: [1", encoding="utf-8")
    shown = []
    for options in ({text: 1}, {"log_level": text}, {"log_dir": f"\0{text}"}, {"overflow": {text: text}}):
        with pytest.raises((ConfigurationError, TypeError)) as caught:
            init_logging(**options)  # type: ignore[arg-type]
        shown.append(str(caught.value))
    with pytest.raises(ConfigurationError) as caught:
        load_config(path)
    shown.append(str(caught.value))
    with pytest.raises(ConfigurationError) as caught:
        load_config(tmp_path / f"missing {name}")
    shown.append(str(caught.value))
    for message in shown:
        first, *more = message.split("\n")
        assert first.isprintable(), message
        assert more in ([], ["All options: python -m unified_logger.cli options"]), message
        assert len(message) < 2_000


def test_an_unusable_directory_is_told_on_one_line(tmp_path: Path) -> None:
    """The words of the system included."""
    directory = tmp_path / "a\n\x1b[2J\u202eb"
    directory.write_text("")
    with pytest.raises(ConfigurationError) as caught:
        init_logging(log_dir=str(directory))
    assert str(caught.value).isprintable()


def test_a_value_whose_repr_raises_is_still_told() -> None:
    """By its class."""

    class Raises:
        def __repr__(self) -> str:
            raise RuntimeError

    for value in (Raises(), 10**5_000, os):
        with pytest.raises(ConfigurationError) as caught:
            init_logging(queue_size=value)  # type: ignore[arg-type]
        assert "queue_size" in str(caught.value)
