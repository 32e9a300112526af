"""Exceptions: their text is that of `traceback`, and their parts are there to query."""

from __future__ import annotations

import gc
import importlib.util
import json
import linecache
import logging
import os
import re
import subprocess
import sys
import traceback
import weakref
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kinds import Records

from unified_logger import UnifiedLogger, _core


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# A fresh copy: on 3.10, the backport of exception groups that pytest brings patches the module itself.
traceback = _load(Path(traceback.__file__))

CORPUS: list[Callable[[], None]] = _load(Path(__file__).with_name("exception_corpus.py")).corpus()


def raised(function: Callable[[], None]) -> BaseException:
    """What a function raises."""
    try:
        function()
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def expected(error: BaseException) -> str:
    """The text of `traceback`, without lines of carets, and with lone surrogates escaped as everywhere in a record."""
    text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    lines = [line for line in text.split("\n") if not re.match(r"^[ |]*[ ~^]*[~^][ ~^]*$", line)]
    return "\n".join(lines).encode("utf-8", "backslashreplace").decode()


@pytest.mark.parametrize("function", CORPUS, ids=lambda function: function.__name__)
def test_the_text_is_that_of_traceback(function: Callable[[], None]) -> None:
    """Line by line, whatever was raised."""
    error = raised(function)
    assert _core.format_exception(error) == expected(error)


@pytest.mark.parametrize("function", CORPUS, ids=lambda function: function.__name__)
def test_the_json_is_one_valid_line(function: Callable[[], None]) -> None:
    """With type and traceback in it."""
    error = raised(function)
    text = _core.exception_json(error)
    parsed = json.loads(text)
    assert "\n" not in text
    assert parsed["type"] == type(error).__qualname__
    assert parsed["traceback"] == expected(error)


def test_notes_that_fail_do_not_lose_the_exception() -> None:
    """Whatever that version of `traceback` does about them."""

    class Secretive(Exception):
        @property
        def __notes__(self) -> list[str]:
            raise RuntimeError("no notes")

    assert "Secretive: x\n" in _core.format_exception(Secretive("x"))


def test_an_exception_without_traceback_has_no_frames() -> None:
    """Never raised: one line."""
    assert _core.format_exception(ValueError("x")) == "ValueError: x\n"


@pytest.mark.parametrize(
    ("source", "encoding"),
    [
        ("# -*- coding: latin-1 -*-\ndef f():\n    raise ValueError('é')\n", "latin-1"),
        ("def f():\n    raise ValueError('你好')  # 你好\n", "utf-8"),
        ("\ufeffdef f():\n\traise ValueError('x')\n", "utf-8"),
        ("def f():\r\n    raise ValueError('x')   \r\n", "utf-8"),
    ],
)
def test_sources_in_any_encoding_are_shown(tmp_path: Path, source: str, encoding: str) -> None:
    """Declared encodings, marks and line ends as Python reads them."""
    path = tmp_path / "sample_module.py"
    path.write_bytes(source.encode(encoding))
    error = raised(_load(path).f)
    assert _core.format_exception(error) == expected(error)


def test_a_deleted_source_gives_frames_without_lines(tmp_path: Path) -> None:
    """The file is gone by the time of the error."""
    path = tmp_path / "gone_module.py"
    path.write_text("def f():\n    raise ValueError('x')\n")
    module = _load(path)
    path.unlink()
    error = raised(module.f)
    assert _core.format_exception(error) == expected(error)


def test_a_source_in_an_archive_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its loader knows the text."""
    with zipfile.ZipFile(tmp_path / "bundle.zip", "w") as archive:
        archive.writestr("zipped_module.py", "def f():\n    raise ValueError('zipped')\n")
    monkeypatch.syspath_prepend(str(tmp_path / "bundle.zip"))
    import zipped_module  # type: ignore[import-not-found]

    error = raised(zipped_module.f)
    text = _core.format_exception(error)
    assert text == expected(error)
    assert "raise ValueError('zipped')" in text
    del sys.modules["zipped_module"]


def test_a_cell_of_a_notebook_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its lines are only in `linecache`, where notebooks put them."""
    source = "def f():\n    return sum(\n        [1, 'x']\n    )\n"
    monkeypatch.setitem(linecache.cache, "<cell-1>", (len(source), None, source.splitlines(True), "<cell-1>"))
    names: dict[str, Any] = {}
    exec(compile(source, "<cell-1>", "exec"), names)
    error = raised(names["f"])
    text = _core.format_exception(error)
    assert text == expected(error)
    assert "    return sum(\n" in text


def test_a_relative_path_is_found_as_linecache_finds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripts started by a relative name have one."""
    monkeypatch.chdir(tmp_path)
    source = "def f():\n    raise ValueError('x')\n"
    Path("script.py").write_text(source)
    names: dict[str, Any] = {}
    exec(compile(source, "script.py", "exec"), names)
    error = raised(names["f"])
    text = _core.format_exception(error)
    assert text == expected(error)
    assert "    raise ValueError('x')\n" in text


def test_a_program_given_as_argument_is_shown_as_by_python() -> None:
    """`python -c`: since 3.13 its lines are known."""
    program = (
        "import traceback\nfrom unified_logger import _core\n"
        "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n"
        "    text = ''.join(traceback.format_exception(error))\n"
        "    lines = [line for line in text.splitlines() if set(line) - set(' ~^')]\n"
        "    assert _core.format_exception(error).splitlines() == lines, lines\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_capturing_keeps_nothing_alive_but_code() -> None:
    """The exception, its frames and what their variables hold go when their users let go."""

    class Thing:
        pass

    def fail(thing: Thing) -> None:
        raise ValueError("x")

    thing = Thing()
    gone = weakref.ref(thing)
    error: BaseException | None = raised(partial(fail, thing))
    assert error is not None
    _core.format_exception(error)
    del error, thing
    gc.collect()
    assert gone() is None


def test_a_text_that_fails_by_logging_itself_is_harmless() -> None:
    """`__str__` may come back into the capture."""

    class Loud(Exception):
        def __str__(self) -> str:
            return _core.format_exception(raised(CORPUS[0])).splitlines()[-1]

    assert _core.format_exception(Loud()).endswith("Loud: ValueError: plain\n")


def test_a_deep_recursion_is_bounded() -> None:
    """Five hundred different frames: the first and last hundred are kept, and a marker counts the others."""
    source = (
        "".join(f"def f{n}():\n    f{n + 1}()\n" for n in range(500)) + "def f500():\n    raise ValueError('deep')\n"
    )
    names: dict[str, Any] = {}
    exec(compile(source, "<generated>", "exec"), names)
    parsed = json.loads(_core.exception_json(raised(names["f0"])))
    frames = parsed["frames"]
    assert len(frames) == 201
    assert (frames[99]["function"], frames[100], frames[101]["function"]) == ("f98", {"$truncated": "302 more"}, "f401")
    assert "  [302 frames left out]\n" in parsed["traceback"]


def test_a_long_chain_is_bounded() -> None:
    """A hundred causes: the nearest are kept, and a marker stands for the others."""
    error: BaseException = ValueError(0)
    for number in range(100):
        following = RuntimeError(number)
        following.__cause__ = error
        error = following
    parsed = json.loads(_core.exception_json(error))
    depth = 0
    text = parsed["traceback"]
    while "cause" in parsed:
        parsed, depth = parsed["cause"], depth + 1
    assert parsed == {"$truncated": "depth"}
    assert depth == 33
    assert text.startswith("[further exceptions left out]\n\nThe above exception was the direct cause")


def test_a_long_message_is_bounded() -> None:
    """What is cut off is counted."""
    parsed = json.loads(_core.exception_json(ValueError("é" * 100_000)))
    assert parsed["message"] == "é" * 65_536 + "…(+34464 characters)"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="exception groups came with 3.11")
def test_groups_that_share_their_members_are_bounded() -> None:
    """Thirty groups of twice the one before would be a billion exceptions."""
    error: Exception = ValueError("x")
    for _ in range(30):
        error = ExceptionGroup("twice", [error, error])  # noqa: F821
    assert len(_core.exception_json(error)) < 4_000_000


@pytest.mark.skipif(sys.version_info < (3, 11), reason="exception groups came with 3.11")
def test_members_beyond_those_shown_are_counted() -> None:
    """As in the text, the first fifteen are there."""
    group = ExceptionGroup("many", [ValueError(n) for n in range(40)])  # noqa: F821
    parsed = json.loads(_core.exception_json(group))
    assert [member.get("message") for member in parsed["group"][:15]] == [str(n) for n in range(15)]
    assert parsed["group"][15:] == [{"$truncated": "25 more"}]


def test_tracebacklimit_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As `traceback` does."""
    error = raised(CORPUS[0])
    for limit in (1, 0, -1):
        monkeypatch.setattr(sys, "tracebacklimit", limit, raising=False)
        assert _core.format_exception(error) == expected(error)


def test_a_pipe_is_not_opened_for_source(tmp_path: Path) -> None:
    """It would never answer."""
    path = tmp_path / "pipe.py"
    os.mkfifo(path)
    names: dict[str, Any] = {}
    exec(compile("def f():\n    raise ValueError('x')\n", str(path), "exec"), names)
    assert _core.format_exception(raised(names["f"])).endswith(f'  File "{path}", line 2, in f\nValueError: x\n')


def test_a_loader_tells_the_source_of_a_file_that_is_not_there(tmp_path: Path) -> None:
    """Code whose absolute path exists only for its loader."""
    path, source = str(tmp_path / "virtual.py"), "def f():\n    raise ValueError('x')\n"

    class Loader:
        def get_source(self, name: str) -> str:
            return source

    names: dict[str, Any] = {"__name__": "virtual", "__loader__": Loader()}
    exec(compile(source, path, "exec"), names)
    error = raised(names["f"])
    text = _core.format_exception(error)
    assert text == expected(error)
    assert "    raise ValueError('x')\n" in text


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_graph_of_exceptions_is_printed_as_by_traceback(data: st.DataObject) -> None:
    """Whoever refers to whom, also in circles."""
    errors: list[BaseException] = [ValueError(f"error {n}") for n in range(data.draw(st.integers(1, 4)))]
    if sys.version_info >= (3, 11):
        for n in range(data.draw(st.integers(0, 3))):
            members = data.draw(st.lists(st.sampled_from(errors), min_size=1, max_size=4))
            errors.append(BaseExceptionGroup(f"group {n}", members))  # noqa: F821
    other = st.none() | st.sampled_from(errors)
    for error in errors:
        error.__cause__, error.__context__ = data.draw(other), data.draw(other)
        error.__suppress_context__ = data.draw(st.booleans())
    assert _core.format_exception(errors[-1]) == expected(errors[-1])


def test_the_record_holds_the_parts(logger: UnifiedLogger, records: Records) -> None:
    """Type, message, module, frames, cause and notes, beside the text; then the fields."""
    try:
        try:
            raise KeyError("inner")
        except KeyError as inner:
            raise ValueError("outer") from inner
    except ValueError:
        logger.exception("failed", order=7)
    (record,) = records()
    exception = record["exception"]
    assert (exception["type"], exception["message"], exception["module"]) == ("ValueError", "outer", "builtins")
    assert exception["frames"][-1]["function"] == "test_the_record_holds_the_parts"
    assert exception["frames"][-1]["file"] == __file__
    assert exception["cause"]["type"] == "KeyError"
    assert exception["traceback"].startswith("Traceback (most recent call last):\n")
    assert list(record)[-2:] == ["exception", "order"]


@pytest.mark.parametrize("shape", ["true", "instance", "tuple"])
def test_exc_info_takes_what_logging_takes(logger: UnifiedLogger, records: Records, shape: str) -> None:
    """True, the exception itself, or `sys.exc_info()`."""
    try:
        raise ValueError("x")
    except ValueError as error:
        logger.warning("w", exc_info={"true": True, "instance": error, "tuple": sys.exc_info()}[shape])
    assert records()[0]["exception"]["message"] == "x"


@pytest.mark.parametrize("nothing", [None, False, True, (None, None, None)])
def test_exc_info_without_an_exception_adds_nothing(logger: UnifiedLogger, records: Records, nothing: Any) -> None:
    """Outside a handler there is none."""
    logger.error("e", exc_info=nothing)
    assert "exception" not in records()[0]


def test_the_stack_is_that_of_logging(logger: UnifiedLogger, records: Records) -> None:
    """Frame by frame, with statements of several lines and repeated calls, also where `logging` makes it."""

    def log_below(n: int) -> None:
        if n:
            return log_below(n - 1)
        logger.info(
            "ours",
            stack_info=True,
        )
        logging.getLogger("app").info("theirs", stack_info=True)
        return None

    log_below(5)
    ours, theirs = (record["stack"].split("\n") for record in records())
    changed = [line for line in ours if line not in theirs]
    assert len(ours) == len(theirs)
    assert [line.strip() for line in changed if not line.startswith("  File")] == ["logger.info("]


def test_stack_info_adds_the_callers_stack(logger: UnifiedLogger, records: Records) -> None:
    """As `logging` prints it."""
    logger.info("here", stack_info=True)
    stack = records()[0]["stack"]
    assert stack.startswith("Stack (most recent call last):\n")
    assert stack.endswith('logger.info("here", stack_info=True)')
