"""Runs one code block of the guide, unchanged, as a module of a small application, in the working directory.

    python run_block.py GUIDE BLOCK

The application supplies only the names the guide leaves open: OPEN_NAMES lists them all.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import flask

import unified_logger

# The guide's first block starts logging; blocks that do not start it themselves run after it.
START = 0
STARTING = {0, 6, 9, 17}


def process_data() -> None:
    """Something that fails."""
    raise RuntimeError("数据损坏")


def process_chat() -> dict[str, str]:
    """Something that answers, or fails when asked to."""
    if flask.request.headers.get("X-Fail"):
        raise RuntimeError("模型不可用")
    return {"answer": "你好"}


def expensive_function() -> str:
    """Something that tells whether it was called."""
    print("expensive_function was called")
    return "result"


# What a block uses without saying where it comes from. Names of unified_logger are the library's own.
OPEN_NAMES: dict[int, dict[str, Any]] = {
    1: {"e": ValueError("余额不足")},
    10: {"get_logger": unified_logger.get_logger},
    11: {"logger": unified_logger.get_logger("wechat_backend.api")},
    6: {"init_logging": unified_logger.init_logging},
    13: {"logger": unified_logger.get_logger("wechat_backend.api")},
    14: {"logger": unified_logger.get_logger("wechat_backend.api"), "process_data": process_data},
    15: {"app": flask.Flask("application"), "request": flask.request, "get_logger": unified_logger.get_logger},
    16: {
        "logger": unified_logger.get_logger("wechat_backend.api"),
        "logging": logging,
        "expensive_function": expensive_function,
    },
    17: {"process_chat": process_chat},
}


def blocks(guide: Path) -> list[tuple[str, str]]:
    """The guide's code blocks: language and text."""
    return re.findall(r"^```(\w*)\n(.*?)^```", guide.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def application() -> None:
    """The package the blocks are part of, with the module the guide's old code imports from."""
    package = ModuleType("application")
    package.__path__ = [str(Path.cwd() / "application")]
    sys.modules["application"] = package
    folder = Path("application")
    folder.mkdir(exist_ok=True)
    (folder / "logging_config.py").write_text("from unified_logger.logging_config import *\n")


def run(text: str, number: int) -> dict[str, Any]:
    """The block's names after running it."""
    path = Path("application") / f"block_{number}.py"
    path.write_text(text, encoding="utf-8")
    names = {"__name__": f"application.block_{number}", "__package__": "application", **OPEN_NAMES.get(number, {})}
    try:
        # The guide logs errors with `exc_info=True` where one is being handled.
        raise OPEN_NAMES.get(1, {})["e"]
    except ValueError:
        exec(compile(text, str(path), "exec"), names)
    return names


def web_requests(app: flask.Flask, route: str, **options: Any) -> None:
    """A request with a trace id and one without."""
    with app.test_client() as client:
        client.post(route, headers={"X-Trace-ID": "trace-of-client"})
        client.post(route, **options)


def chat(names: dict[str, Any]) -> None:
    """Requests to the application of the appendix, the last of them failing."""
    web_requests(names["app"], "/api/ai/chat")
    with names["app"].test_client() as client:
        client.post("/api/ai/chat", headers={"X-Trace-ID": "trace-of-failure", "X-Fail": "1"})


def hooks(names: dict[str, Any]) -> None:
    """A route under the guide's request hooks."""

    @names["app"].post("/")
    def index() -> str:
        unified_logger.get_logger("route").info("in request")
        return ""

    web_requests(names["app"], "/")
    unified_logger.get_logger("route").info("after requests")


AFTER: dict[int, Callable[[dict[str, Any]], None]] = {15: hooks, 17: chat}


def main() -> None:
    """Runs the block named on the command line."""
    guide, number = Path(sys.argv[1]), int(sys.argv[2])
    found = blocks(guide)
    application()
    if number not in STARTING:
        run(found[START][1], START)
    names = run(found[number][1], number)
    AFTER.get(number, lambda names: None)(names)
    if number == 0 or number == 6:
        unified_logger.get_logger("app").info("started")


if __name__ == "__main__":
    main()
