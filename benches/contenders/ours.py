"""This library: three files, default levels, console to /dev/null, context on."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from unified_logger import LoggingContext, flush_logging, get_logger, init_logging

TITLE = "unified_logger"
OMITS = ""
KIND = "logger"
OPTIONS: dict[str, Any] = {"max_bytes": 1 << 40}

logger = get_logger("wechat_backend.api")


def start(folder: Path) -> None:
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    init_logging(log_dir=str(folder), **OPTIONS)
    LoggingContext(trace_id="abc-123-xyz", span_id="def-456").__enter__()


def calls(count: int) -> None:
    for _ in range(count):
        logger.info(
            "API 请求处理", endpoint="/api/ai/chat", method="POST", user_id="user_001", latency_ms=234, status_code=200
        )


def disabled(count: int) -> None:
    for _ in range(count):
        logger.debug(
            "API 请求处理", endpoint="/api/ai/chat", method="POST", user_id="user_001", latency_ms=234, status_code=200
        )


def errors(count: int, error: BaseException) -> None:
    for _ in range(count):
        logger.error("处理失败", exc_info=error, endpoint="/api/ai/chat")


def finish() -> None:
    assert flush_logging(120.0)


def files(folder: Path) -> list[Path]:
    return [folder / "app.log"]
