"""logxide: a native `logging` that patches itself in. Its lines are messages whose arguments are not filled in."""

from __future__ import annotations

from pathlib import Path

import logxide
from logxide import logging

TITLE = "logxide FileHandler"
OMITS = "JSON; all but the bare message: fields, time, level, call site, exceptions, trace_id, span_id"
KIND = "logger"
FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s %(module)s %(funcName)s %(lineno)d %(threadName)s %(process)d"

logger = logging.getLogger("wechat_backend.api")


def start(folder: Path) -> None:
    handler = logging.FileHandler(str(folder / "app.log"))
    handler.setFormatter(logging.Formatter(FORMAT))
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)


def calls(count: int) -> None:
    for _ in range(count):
        logger.info(
            "API 请求处理 endpoint=%s method=%s user_id=%s latency_ms=%d status_code=%d",
            "/api/ai/chat",
            "POST",
            "user_001",
            234,
            200,
        )


def disabled(count: int) -> None:
    for _ in range(count):
        logger.debug(
            "API 请求处理 endpoint=%s method=%s user_id=%s latency_ms=%d status_code=%d",
            "/api/ai/chat",
            "POST",
            "user_001",
            234,
            200,
        )


def errors(count: int, error: BaseException) -> None:
    exc_info = (type(error), error, error.__traceback__)
    for _ in range(count):
        logger.error("处理失败 endpoint=%s", "/api/ai/chat", exc_info=exc_info)


def finish() -> None:
    logxide.flush()
    for handler in logger.handlers:
        if hasattr(handler, "flush"):
            handler.flush()


def files(folder: Path) -> list[Path]:
    return [folder / "app.log"]
