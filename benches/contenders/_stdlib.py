"""What the two contenders of the standard library share: the record as `extra`, JSON by python-json-logger with orjson."""

from __future__ import annotations

import logging
from pathlib import Path

from pythonjsonlogger.orjson import OrjsonFormatter

FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s %(module)s %(funcName)s %(lineno)d %(threadName)s %(process)d"

logger = logging.getLogger("wechat_backend.api")


def formatter() -> OrjsonFormatter:
    return OrjsonFormatter(FORMAT)


def file_handler(folder: Path) -> logging.FileHandler:
    handler = logging.FileHandler(folder / "app.log", encoding="utf-8")
    handler.setFormatter(formatter())
    return handler


def calls(count: int) -> None:
    for _ in range(count):
        logger.info(
            "API 请求处理",
            extra={
                "endpoint": "/api/ai/chat",
                "method": "POST",
                "user_id": "user_001",
                "latency_ms": 234,
                "status_code": 200,
            },
        )


def disabled(count: int) -> None:
    for _ in range(count):
        logger.debug(
            "API 请求处理",
            extra={
                "endpoint": "/api/ai/chat",
                "method": "POST",
                "user_id": "user_001",
                "latency_ms": 234,
                "status_code": 200,
            },
        )


def errors(count: int, error: BaseException) -> None:
    for _ in range(count):
        logger.error("处理失败", exc_info=error, extra={"endpoint": "/api/ai/chat"})


def files(folder: Path) -> list[Path]:
    return [folder / "app.log"]
