"""structlog in its fast configuration: orjson, BytesLogger, context variables, call site."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import BinaryIO

import orjson
import structlog

TITLE = "structlog + orjson"
OMITS = ""
KIND = "logger"

stream: BinaryIO
logger = structlog.get_logger()


def start(folder: Path) -> None:
    global stream, logger
    stream = (folder / "app.log").open("ab")
    site = structlog.processors.CallsiteParameter
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.CallsiteParameterAdder(
                {site.MODULE, site.FUNC_NAME, site.LINENO, site.THREAD_NAME, site.PROCESS}
            ),
            structlog.processors.format_exc_info,
            structlog.processors.EventRenamer("message"),
            structlog.processors.JSONRenderer(serializer=orjson.dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.BytesLoggerFactory(file=stream),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(trace_id="abc-123-xyz", span_id="def-456", logger="wechat_backend.api")
    logger = structlog.get_logger()


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
    stream.flush()


def files(folder: Path) -> list[Path]:
    return [folder / "app.log"]
