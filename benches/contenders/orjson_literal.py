"""Building the record's dict and `orjson.dumps` of it: no logger at all."""

from __future__ import annotations

from pathlib import Path

import orjson

TITLE = "orjson.dumps of a dict literal, nothing else"
OMITS = "logging: no level, call site, time, file"
KIND = "calls"


def start(folder: Path) -> None:
    pass


def calls(count: int) -> None:
    dumps = orjson.dumps
    for _ in range(count):
        dumps(
            {
                "timestamp": "2026-02-19T10:30:00.123456+00:00",
                "level": "INFO",
                "logger": "wechat_backend.api",
                "message": "API 请求处理",
                "module": "api_handler",
                "function": "handle_request",
                "line": 42,
                "thread": "MainThread",
                "process": 12345,
                "trace_id": "abc-123-xyz",
                "span_id": "def-456",
                "endpoint": "/api/ai/chat",
                "method": "POST",
                "user_id": "user_001",
                "latency_ms": 234,
                "status_code": 200,
            }
        )


def finish() -> None:
    pass
