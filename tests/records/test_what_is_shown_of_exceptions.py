"""What a record has of an exception: text, frames or both, with the frames of libraries folded."""

from __future__ import annotations

import asyncio
import builtins
import json
import logging
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from kinds import Records, Run, Start

from unified_logger import ConfigurationError, JSONFormatter, UnifiedLogger, _core, get_logger
from unified_logger.testing import capture_logs

FRAMEWORK = """
def serve(function, *arguments):
    return route(function, *arguments)

def route(function, *arguments):
    return call(function, *arguments)

def call(function, *arguments):
    return function(*arguments)

def fail():
    return deeper()

def deeper():
    return deepest()

def deepest():
    raise LookupError("nothing there")

def wrapped(function):
    try:
        function()
    except LookupError as error:
        raise RuntimeError("framework") from error

def again(n):
    return again(n - 1) if n else fail()
"""


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    _core.set_exceptions(True, True, True, False, [], [])


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., ModuleType]:
    """`load(folder, name, source)`: a module of that name in a file in that folder."""

    def load(folder: str, name: str, source: str = FRAMEWORK) -> ModuleType:
        path = tmp_path / folder / f"{name.replace('.', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
        module = ModuleType(name)
        exec(compile(source, str(path), "exec"), vars(module))
        return module

    return load


@pytest.fixture
def framework(load: Callable[..., ModuleType]) -> Any:
    """A library."""
    return load("site-packages", "framework.routing")


def raised(function: Callable[..., object], *arguments: object) -> BaseException:
    """What a function raises."""
    try:
        function(*arguments)
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def shown(error: BaseException) -> dict[str, Any]:
    """The exception of a record."""
    return json.loads(_core.exception_json(error))  # type: ignore[no-any-return] # an object


def names(error: dict[str, Any]) -> list[Any]:
    """Functions of frames, and how many frames are folded."""
    return [frame.get("function", frame.get("folded")) for frame in error["frames"]]


def test_runs_of_library_frames_are_one_entry(framework: Any) -> None:
    """In text and frames. Kept are those of the application, the first below it, and the one that raised."""

    def pay() -> None:
        framework.fail()

    error = shown(raised(framework.serve, pay))
    # The first frame is that of this file.
    assert names(error) == ["raised", "serve", 2, "pay", "fail", "deeper", "deepest"]
    assert error["frames"][2] == {"folded": 2, "packages": ["framework"]}
    assert "  [2 frames of framework]\n" in error["traceback"]
    assert "in call\n" not in error["traceback"]
    error = shown(raised(framework.serve, framework.again, 9))
    assert names(error) == ["raised", "serve", 14, "deepest"]


def test_frames_stay_where_it_is_wanted(start: Start, framework: Any) -> None:
    """Then the text is that of `traceback`."""
    start(exceptions={"library_frames": "keep"})
    error = raised(framework.serve, framework.fail)
    expected = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    assert shown(error)["traceback"] == "\n".join(
        line for line in expected.split("\n") if set(line) - set(" ^~") or not line
    )
    assert names(shown(error)) == ["raised", "serve", "route", "call", "fail", "deeper", "deepest"]


def test_causes_notes_and_groups_are_folded_too(framework: Any) -> None:
    """Each with what it had before."""

    def pay() -> None:
        framework.wrapped(framework.fail)

    error = shown(raised(framework.serve, pay))
    assert names(error["cause"]) == [3, "deepest"]
    assert error["traceback"].index("[3 frames of framework]") < error["traceback"].index("direct cause")
    if sys.version_info >= (3, 11):
        member = raised(framework.serve, pay)
        member.add_note("of order 7")
        group_of = vars(builtins)["ExceptionGroup"]
        group = shown(
            raised(framework.serve, _raise, group_of("both", [member, SyntaxError("odd", ("a.py", 1, 1, "x y"))]))
        )
        assert names(group["group"][0]) == names(error)
        assert group["group"][0]["notes"] == ["of order 7"]
        assert "    | of order 7\n" in group["traceback"]
        assert "    |     x y\n" in group["traceback"]


def _raise(error: BaseException) -> None:
    raise error


def test_where_nothing_is_the_applications_nothing_is_folded(framework: Any) -> None:
    """Then no frame is known to matter more than another."""
    error = raised(framework.serve, framework.fail)
    assert error.__traceback__ is not None
    error.__traceback__ = error.__traceback__.tb_next
    assert names(shown(error)) == ["serve", "route", "call", "fail", "deeper", "deepest"]


def test_the_standard_library_is_a_library() -> None:
    """With its packages by name, and a frame of code that is frozen."""
    error = shown(raised(json.loads, "{"))
    functions = names(error)
    assert (functions[:2], functions[-1]) == (["raised", "loads"], "raw_decode")

    async def fail() -> None:
        raise ValueError("in a task")

    error = shown(raised(asyncio.run, fail()))
    [folded] = [frame for frame in error["frames"] if "folded" in frame]
    assert folded["packages"] == ["asyncio"]
    assert names(error)[-1] == "fail"


def test_the_program_says_what_is_its_own(start: Start, load: Callable[..., ModuleType]) -> None:
    """Modules and directories, of the application and of libraries. What is installed below a directory stays a library."""
    own: Any = load("site-packages", "ours.orders")
    vendored: Any = load("app/vendor", "vendored")
    installed: Any = load("app/.venv/lib/python3.11/site-packages", "other")
    functions = (installed.serve, vendored.serve, own.serve, own.fail)
    folder = Path(vendored.serve.__code__.co_filename).parent
    by_place = ["raised", "serve", 2, "serve", "route", "call", "serve", 4, "deepest"]
    assert names(shown(raised(*functions))) == by_place
    start(exceptions={"application": ["ours"], "libraries": [str(folder)]})
    whole = ["serve", "route", "call", "fail", "deeper", "deepest"]
    assert names(shown(raised(*functions))) == ["raised", "serve", 5, *whole]
    # Neither a part of a name nor a part of a directory is one.
    start(exceptions={"application": ["our"], "libraries": [str(folder)[:-3]]})
    assert names(shown(raised(*functions))) == by_place
    start(exceptions={"application": [str(folder.parent)], "libraries": ["vendored"]})
    assert names(shown(raised(*functions))) == by_place


def test_an_application_that_is_installed_is_known_by_its_start(run_python: Run, tmp_path: Path) -> None:
    """The package that calls `init_logging` is the application, wherever it is."""
    package = tmp_path / "site-packages" / "shop"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "main.py").write_text(
        "import asyncio\n"
        "from unified_logger import init_logging, get_logger, flush_logging\n"
        "async def pay():\n    raise ValueError('v')\n"
        "def main():\n"
        "    init_logging(log_dir='logs')\n"
        "    try:\n        asyncio.run(pay())\n"
        "    except ValueError:\n        get_logger('shop').exception('refused')\n"
        "    flush_logging()\n"
    )
    run_python("import sys; sys.path.insert(0, 'site-packages'); from shop.main import main; main()")
    [record] = [json.loads(line) for line in (tmp_path / "logs" / "app.log").read_text().splitlines()]
    assert names(record["exception"])[0] == "main"
    assert names(record["exception"])[-1] == "pay"
    assert any("folded" in frame for frame in record["exception"]["frames"])


@pytest.mark.parametrize(("form", "has"), [("text", (True, False)), ("frames", (False, True)), ("both", (True, True))])
def test_a_record_has_text_frames_or_both(start: Start, records: Records, form: str, has: tuple[bool, bool]) -> None:
    """In the files, for `JSONFormatter`, and in records that tests collect; causes alike."""
    start(exceptions={"form": form})
    try:
        _chain()
    except ValueError as error:
        get_logger("app").exception("refused")
        record = logging.LogRecord("app", logging.ERROR, "a.py", 1, "m", (), (ValueError, error, error.__traceback__))
        formatted = json.loads(JSONFormatter().format(record))
        with capture_logs() as collected:
            get_logger("app").exception("refused")
    for one in (records()[0], formatted, collected[0]):
        exception = one["exception"]
        assert ("traceback" in exception, "frames" in exception) == has
        assert ("frames" in exception["cause"]) == has[1]
        assert "traceback" not in exception["cause"]
        assert (exception["type"], exception["message"], exception["cause"]["type"]) == ("ValueError", "v", "KeyError")


def _chain() -> None:
    try:
        raise KeyError("k")
    except KeyError as error:
        raise ValueError("v") from error


def test_the_fallback_shows_the_same(
    start: Start, log_dir: Path, capfd: pytest.CaptureFixture[str], framework: Any
) -> None:
    """Without the engine, too: in files and on the console."""
    start(use_unified_logging=False, console_format="text", exceptions={"form": "text"})
    try:
        framework.serve(_chain)
    except ValueError:
        logging.getLogger("app").exception("refused")
    [line] = (log_dir / "app.log").read_text().splitlines()
    exception = json.loads(line)["exception"]
    assert "frames" not in exception
    assert "[2 frames of framework]" in exception["traceback"]
    assert "│   [2 frames of framework]\n" in capfd.readouterr().err


def test_a_later_source_replaces_single_keys(monkeypatch: pytest.MonkeyPatch, start: Start) -> None:
    """An environment variable leaves the others of the file."""
    monkeypatch.setenv("UNIFIED_LOGGER_EXCEPTIONS", '{"form": "text", "library_frames": "keep"}')
    start(exceptions={"library_frames": "fold"})
    assert "frames" not in shown(raised(_chain))


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ({"from": "text"}, "from"),
        ({"form": "texts"}, "form"),
        ({"locals": "yes"}, "locals"),
        ({"application": "shop"}, "application"),
        (True, "exceptions"),
    ],
)
def test_what_is_wrong_is_told_at_the_start(start: Start, given: Any, part: str) -> None:
    """With the key and what is allowed."""
    with pytest.raises(ConfigurationError, match=part):
        start(exceptions=given)


def test_an_error_of_fastapi_is_small(start: Start, records: Records) -> None:
    """Less than a fifth of what all its frames take: 9.8 kB before, in each file."""
    fastapi = pytest.importorskip("fastapi")
    httpx = pytest.importorskip("httpx")
    from unified_logger.integrations.fastapi import install

    app = fastapi.FastAPI()
    install(app)

    @app.get("/orders/{number}")
    def order(number: int) -> None:
        try:
            {}["price"]
        except KeyError as error:
            raise ValueError(f"order {number} is incomplete") from error

    async def ask() -> None:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            await client.get("/orders/7")

    sizes = {}
    for frames in ("keep", "fold"):
        start(exceptions={"library_frames": frames})
        asyncio.run(ask())
        record = records("errors.log")[-1]
        sizes[frames] = len(json.dumps(record["exception"], ensure_ascii=False, separators=(",", ":")).encode())
        assert names(record["exception"])[-1] == "order"
    assert record["exception"]["frames"][0]["packages"][:2] == ["unified_logger", "starlette"]
    assert sizes["fold"] < 1_600
    assert sizes["fold"] * 5 < sizes["keep"]


def test_a_part_that_is_left_out_is_not_missed_by_others(logger: UnifiedLogger, records: Records) -> None:
    """An exception without frames has what it has, and no list of frames."""
    logger.error("refused", exc_info=ValueError("never raised"))
    exception = records()[0]["exception"]
    assert {*exception} == {"type", "message", "module", "fingerprint", "traceback"}
