"""Code as users write it; a strict type checker has nothing to say about it."""

import asyncio
import logging
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from unified_logger import (
    ConfigurationError,
    Handler,
    LoggingContext,
    UnifiedLogger,
    UnifiedLoggerError,
    UnifiedLoggerFactory,
    add_level,
    add_sink,
    carry,
    carry_into_threads,
    flush_logging,
    get_levels,
    get_logger,
    get_stats,
    init_logging,
    init_logging_from_config,
    lazy,
    load_config,
    mark_wrapper,
    register_value,
    reload_logging,
    rotate_logging,
    set_level,
    shutdown_logging,
    span,
    trace_headers,
    traced,
)
from unified_logger.testing import CapturedLogs, CapturedRecord, capture_logs, stopped_clock
from unified_logger.typing import Level, Options, Stats

factory: UnifiedLoggerFactory = init_logging("INFO", "logs", 10_000, 10 * 1024 * 1024, 7)
init_logging(log_level=logging.DEBUG, log_dir=Path("logs"), overflow="drop_low", queue_bytes=1 << 20)
init_logging_from_config("logging.yaml", log_level="DEBUG")
config: dict[str, Any] = load_config(Path("logging.yaml"))
init_logging(log_dir="logs", log_level="INFO", max_bytes="20MB", overflow="drop_low")


def drop_health(record: dict[str, Any]) -> dict[str, Any] | None:
    """A processor."""
    return None if record["logger"] == "health" else record


init_logging(max_bytes=1 << 20, ai_max_bytes="1GiB", overflow_timeout="500ms", watch_config=2, file_mode=0o640)
init_logging(levels={"app.db": "WARNING", "app.ai": logging.DEBUG}, console_format="text", console_level="warning")
init_logging(
    outputs={
        "payments": {"file": "payments.log", "loggers": ["app.pay"], "level": "INFO", "max_bytes": "50MB"},
        "shipping": {"stream": "stdout", "format": "logfmt", "fields_equal": {"tenant": "t-1", "retry": None}},
        "console": False,
    },
    redaction={"keys": ["iban"], "patterns": ["email", "card"], "action": "mask", "actions": {"email": "hash"}},
    redaction_hash_key=None,
    processors=[drop_health, "shop.logs:without_prompts"],
    trace_headers=("traceparent", "b3"),
)
init_logging(redaction=True, fsync="error", black_box="dir", reload_signal="sighup", native_stdlib=True)
init_logging_from_config(Path("logging.yaml"), log_dir=Path("logs"), overflow="block", queue_size=20_000)
logging.getLogger("shop").addHandler(Handler("WARNING", log_level="INFO", overflow="drop_old"))


def options(level: Level) -> Options:
    """Options that a program puts together."""
    found: Options = {"log_level": level, "outputs": {"audit": {"file": "audit.log"}}}
    found["queue_size"] = 20_000
    return found


init_logging_from_config("logging.yaml", **options("DEBUG"))
init_logging(**options(logging.DEBUG))
factory.initialize(**options("INFO"))
levels: dict[str, str] = get_levels()
changed: dict[str, tuple[Any, Any]] = reload_logging()
with set_level("shop.orders", "DEBUG", seconds=60):
    pass

logger: UnifiedLogger = get_logger("shop.orders")
logger.debug("loaded")
logger.info("received %s", "order", order_id=7, msg="a field", name="another", level=3)
logger.warning("slow", extra={"attempt": 2}, stacklevel=2)
logger.error("failed", exc_info=True, stack_info=True)
logger.critical("down", exc_info=ValueError("reason"))
logger.critical("down", exc_info=(ValueError, None, None))
logger.exception("failed", order_id=7)
logger.log(logging.INFO, "at a level", order_id=7)
logger.log(logging.INFO, "at a level", level=3, msg="a field")
logger.info(msg="by name", order_id=7)
logger.log(level=30, msg="by name")
logger.log(level="INFO", msg="by name", exc_info=True, extra={"attempt": 2}, order_id=7)
logger.log(30, msg="by name")
logger.ai(msg="by name", model="small-1", user="u-001")
logger.ai("answered", model="small-1", latency_ms=1.5, error=TimeoutError(), user="u-001")
standard: logging.Logger = logger.logger

logger.set_trace_context(trace_id=None, user="u-001")
context: dict[str, Any] = logger.get_trace_context()
logger.clear_trace_context()

with LoggingContext(trace_id="abc", span_id=None, user="u-001"):
    logger.info("inside")


@LoggingContext(step="total")
def total(prices: list[int]) -> int:
    """A decorated function keeps its types."""
    return sum(prices)


@LoggingContext()
async def fetch(url: str) -> bytes:
    """So does a decorated coroutine function."""
    async with LoggingContext(url=url):
        return url.encode()


@mark_wrapper
def audit(message: str) -> None:
    """And a marked wrapper."""
    logger.info(message)


@LoggingContext(step="lines")
def lines(path: Path) -> Iterator[str]:
    """And a decorated generator function."""
    yield from path.read_text().splitlines()


@traced
def charge(cents: int) -> str:
    """A traced function keeps its types."""
    with span("ask the bank", logger=logger, level="DEBUG", cents=cents):
        return str(cents)


@traced("refund", logger="shop.bank", order_id=7)
async def refund(cents: int) -> int:
    """With a name and fields, too."""
    async with span("ask the bank"):
        return -cents


braces: UnifiedLogger = get_logger("shop.orders", style="{")
braces.info("order {order_id} of {}", 3, order_id=7, dump=lazy(total, prices=[1]))
factory.get_logger("shop", "%").debug("state %s", lazy(lambda: 7))
logger.debug(lazy(str, 7))
audit_level: int = add_level("AUDIT", 25)
logger.log("AUDIT", "price changed")
logger.warn("an older name")


@logger.catch
def risky(cents: int) -> str:
    """A function whose exceptions are caught keeps its types."""
    with logger.catch((ValueError, OSError), level="WARNING", reraise=True, message="no bank", exclude=KeyError):
        return str(cents)
    return ""


@braces.catch(ValueError, default="", onerror=print)
async def risky_later(cents: int) -> str:
    """With arguments, too."""
    async with logger.catch():
        return str(cents)
    return ""


caught: str = risky(7)
caught_later: str = asyncio.run(risky_later(7))
bound: UnifiedLogger = logger.bind(tenant="t-1", name="a field").unbind("tenant")
headers: dict[str, str] = trace_headers()
charged: str = charge(100)
refunded: int = asyncio.run(refund(100))
first_line: str = next(lines(Path("orders.txt")))
with ThreadPoolExecutor() as pool:
    later: Future[str] = pool.submit(carry(charge), 100)
carry_into_threads()
carry_into_threads(on=False)

amount: int = total([1, 2]) + 1
body: bytes = asyncio.run(fetch("/"))
audit("changed")


class Money:
    """A value of the user's own."""

    cents = 5


register_value(Money, lambda money: money.cents)

with capture_logs(logging.INFO) as records:
    first: dict[str, Any] = records[0]


def test_orders(log_records: CapturedLogs) -> None:
    """The fixture and `capture_logs` give the same."""
    found: list[CapturedRecord] = log_records.find("order received", order_id=7)
    record = log_records.one("order received", level="INFO", exception=ValueError)
    place: tuple[str, int, str | None] = (record.module, record.line, record.trace_id)
    with log_records.at_level(logging.INFO, logger="shop"):
        messages: list[str] = log_records.messages


test_orders(records)
with stopped_clock(datetime(2026, 2, 19, tzinfo=timezone.utc)):
    pass

stats: Stats = get_stats()
lines_written: int = stats["files"]["app"]["written"] + stats["console"]["written"] + factory.stats()["written"]
with add_sink(lambda record: print(record["message"]), level="ERROR", name="shown"):
    sent: int = get_stats()["sinks"]["shown"]["written"]
late_errors: int = stats["dropped_by_reason"]["shutdown"]["ERROR"] + stats.get("streams", {})["stdout"]["dropped"]
rotated: bool = rotate_logging(timeout=1.0) and rotate_logging()
flushed: bool = flush_logging(timeout=None) and factory.flush(1.0)
written: bool = shutdown_logging(timeout=2.5) and factory.shutdown()
try:
    factory.initialize(log_level="INFO", log_dir="logs")
except ConfigurationError as error:
    base: UnifiedLoggerError = error
