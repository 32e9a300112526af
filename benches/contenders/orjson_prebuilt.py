"""`orjson.dumps` of a dict that is there already."""

from __future__ import annotations

from pathlib import Path

import orjson

TITLE = "orjson.dumps of a prebuilt dict, nothing else"
OMITS = "logging: no level, call site, time, file"
KIND = "calls"

RECORD = {
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


def start(folder: Path) -> None:
    pass


def calls(count: int) -> None:
    dumps, record = orjson.dumps, RECORD
    for _ in range(count):
        dumps(record)


def finish() -> None:
    pass
