"""The guide runs as written: every code block of docs/guide.zh-CN.md, unchanged, and what it leaves on disk."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import unified_logger
from unified_logger.config.sections import OPTIONS

RUNNER = Path(__file__).with_name("run_block.py")
BLOCKS = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
Run = Callable[..., "Logs"]


class Logs:
    """What a block left: the records of each file, and what it printed."""

    def __init__(self, folder: Path, done: subprocess.CompletedProcess[str]) -> None:
        self.folder = folder / "logs"
        self.output = done.stdout
        self.errors = done.stderr

    def __call__(self, name: str = "app.log") -> list[dict[str, Any]]:
        path = self.folder / name
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

    def messages(self, name: str = "app.log") -> list[str]:
        """The messages of a file."""
        return [record["message"] for record in self(name)]


@pytest.fixture(scope="session")
def guide(project: Path) -> Path:
    """The guide; without it the tests fail."""
    path = project / "docs" / "guide.zh-CN.md"
    assert path.is_file(), "docs/guide.zh-CN.md is missing"
    return path


@pytest.fixture
def run(guide: Path, tmp_path: Path) -> Run:
    """Runs a block in a process of its own, in an empty directory."""

    def run(block: int, **environment: str) -> Logs:
        import os

        done = subprocess.run(
            [sys.executable, str(RUNNER), str(guide), str(block)],
            cwd=tmp_path,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return Logs(tmp_path, done)

    return run


def test_every_block_has_a_test(guide: Path) -> None:
    """Eighteen blocks, sixteen of them Python; a new one wants a test."""
    languages = [language for language, _ in BLOCKS.findall(guide.read_text(encoding="utf-8"))]
    assert languages == ["python"] * 3 + ["", "", "json"] + ["python"] * 12


def test_0_start(run: Run) -> None:
    """Logging starts with the guide's arguments and is shut down by the exit hook."""
    assert run(0).messages() == ["started"]


def test_1_use(run: Run) -> None:
    """Fields are keys; an error is in errors.log with its exception."""
    logs = run(1)
    success, failure = logs()
    assert (success["message"], success["endpoint"], success["user_id"]) == ("API 请求成功", "/api/ai/chat", "user_001")
    assert success["logger"] == "wechat_backend.api"
    assert (failure["error"], failure["exception"]["type"]) == ("余额不足", "ValueError")
    assert logs("errors.log") == [failure]


def test_2_tracing(run: Run) -> None:
    """Ids set by hand, and by a context that restores what was before."""
    by_hand, in_context = run(2)()
    assert by_hand["trace_id"] == "abc-123-xyz"
    assert (in_context["trace_id"], in_context["span_id"]) == ("abc-123", "def-456")


def test_3_architecture(guide: Path) -> None:
    """The drawing names the facade that callers hold."""
    drawing = BLOCKS.findall(guide.read_text(encoding="utf-8"))[3][1]
    assert unified_logger.UnifiedLogger.__name__ in drawing


def test_4_files(run: Run, guide: Path) -> None:
    """The three files of the drawing are those in the directory."""
    drawn = re.findall(r"\w+\.log\b(?!\.)", BLOCKS.findall(guide.read_text(encoding="utf-8"))[4][1])
    found = {path.name for path in run(1).folder.glob("*.log")}
    assert found == set(drawn) == {"app.log", "ai_responses.log", "errors.log"}


def test_5_record(start: Callable[..., Any], records: Callable[..., Any], guide: Path) -> None:
    """The record drawn in the guide, key by key in its order, with values of the same types."""
    drawn = json.loads(BLOCKS.findall(guide.read_text(encoding="utf-8"))[5][1])
    start()
    with unified_logger.LoggingContext(trace_id=drawn["trace_id"], span_id=drawn["span_id"]):
        logger = unified_logger.get_logger(drawn["logger"])
        logger.info(drawn["message"], endpoint=drawn["endpoint"], user_id=drawn["user_id"])
    (record,) = records()
    assert list(record) == list(drawn)
    own = {"timestamp", "module", "function", "line", "process"}
    assert {key: value for key, value in record.items() if key not in own} == {
        key: value for key, value in drawn.items() if key not in own
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00", record["timestamp"])
    assert [type(record[key]) for key in own] == [type(drawn[key]) for key in own]


def test_6_parameters(run: Run, guide: Path) -> None:
    """The call runs; its arguments are the parameters, in their order, with their defaults."""
    assert run(6).messages()[-1] == "started"
    shown = BLOCKS.findall(guide.read_text(encoding="utf-8"))[6][1]
    given: dict[str, Any] = {}
    exec(shown, {"init_logging": lambda **arguments: given.update(arguments)})
    parameters = list(inspect.signature(unified_logger.init_logging).parameters)
    assert list(given) == parameters[: len(given)]
    assert {name: OPTIONS[name].kind.parse(value) for name, value in given.items()} == {
        name: OPTIONS[name].kind.parse(OPTIONS[name].default) for name in given
    }


def test_7_old_code(run: Run) -> None:
    """Code of the old system logs through the new one."""
    (record,) = run(7)()
    assert (record["logger"], record["message"]) == ("wechat_backend", "Hello, World!")


def test_8_new_code(run: Run) -> None:
    """Code of the new interface."""
    (record,) = run(8)()
    assert (record["logger"], record["message"]) == ("wechat_backend.api", "Hello, World!")


def test_9_factory(run: Run) -> None:
    """The factory starts, makes a logger and shuts down."""
    logs = run(9)
    assert logs() == []
    assert logs.errors == ""


def test_10_methods(run: Run) -> None:
    """All methods at their levels; DEBUG is below the level; the context is set, read and cleared."""
    logs = run(10)
    levels = [record["level"] for record in logs()]
    assert levels == ["INFO", "WARNING", "ERROR", "CRITICAL", "ERROR"]
    assert logs()[0]["extra_field"] == "value"
    assert logs()[2]["exception"]["type"] == logs()[4]["exception"]["type"] == "ValueError"
    assert logs.messages("errors.log") == ["错误信息", "严重错误", "异常信息"]


def test_10_methods_at_debug(run: Run) -> None:
    """LOG_LEVEL cannot reach what the guide's call gives as an argument."""
    assert [record["level"] for record in run(10, LOG_LEVEL="DEBUG")()].count("DEBUG") == 0


def test_11_context(run: Run) -> None:
    """The context manager."""
    (record,) = run(11)()
    assert (record["trace_id"], record["span_id"], record["message"]) == ("abc-123", "def-456", "在上下文中")


def test_12_imports(run: Run) -> None:
    """All convenience functions can be imported, and log nothing by that."""
    assert run(12)() == []


def test_13_structured(run: Run) -> None:
    """Fields keep their types; the discouraged way works too."""
    structured, glued = run(13)()
    fields = {key: structured[key] for key in list(structured)[-5:]}
    assert fields == {
        "endpoint": "/api/ai/chat",
        "method": "POST",
        "user_id": "user_001",
        "latency_ms": 234,
        "status_code": 200,
    }
    assert glued["message"].startswith("API 请求处理 endpoint=")


def test_14_exceptions(run: Run) -> None:
    """`exception()` keeps the traceback; a formatted message does not."""
    kept, lost = run(14)("errors.log")
    assert (kept["data_id"], kept["exception"]["message"]) == ("123", "数据损坏")
    assert kept["exception"]["frames"][-1]["function"] == "process_data"
    assert lost["message"] == "处理失败：数据损坏"
    assert "exception" not in lost


def test_15_hooks(run: Run) -> None:
    """A request has the client's trace, or one of its own; after requests there is none."""
    with_header, without, after = (record for record in run(15)() if record["logger"] == "route")
    assert with_header["trace_id"] == "trace-of-client"
    assert re.fullmatch(r"[0-9a-f]{32}", without["trace_id"])
    assert "trace_id" not in after


def test_16_levels(run: Run) -> None:
    """The guarded call does not compute its argument; the unguarded one does, for nothing."""
    logs = run(16)
    assert logs.output.count("expensive_function was called") == 1
    assert logs() == []


def test_17_application(run: Run) -> None:
    """The appendix: three requests, with the client's trace, without one, and failing."""
    logs = run(17)
    chats = [record for record in logs() if record["logger"] == "wechat_backend.api"]
    assert [record["message"] for record in chats] == ["收到聊天请求", "处理成功"] * 2 + ["收到聊天请求", "处理失败"]
    traces = [record["trace_id"] for record in chats]
    assert traces[:2] == ["trace-of-client"] * 2
    assert traces[2] == traces[3] not in ("trace-of-client", "trace-of-failure")
    assert traces[4:] == ["trace-of-failure"] * 2
    (failure,) = logs("errors.log")
    assert (failure["exception"]["message"], failure["function"]) == ("模型不可用", "chat")


@pytest.mark.parametrize("row", range(7))
def test_environment_table(guide: Path, row: int) -> None:
    """Each variable of the table has an option, with the default of the table."""
    table = re.findall(r"^\| `(\w+)` \| `([^`]+)` \|", guide.read_text(encoding="utf-8"), re.MULTILINE)
    assert len([name for name, _ in table if name.isupper() and "_" in name and name.startswith(("LOG", "USE"))]) == 7
    variable, default = table[row] if table[row][0].startswith(("LOG", "USE")) else table[row + 1]
    (option,) = (option for option in OPTIONS.values() if option.environment == variable)
    assert option.kind.parse_text(default) == option.kind.parse(option.default)
