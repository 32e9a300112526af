"""The same little program under four libraries, for pictures of their consoles: `program.py unified_logger`.

`payments.py` beside it stands for an installed package.
"""

from __future__ import annotations

import logging
import sys
import tempfile
from typing import Any

import payments

SQL = """
    SELECT id, total
      FROM orders
     WHERE customer = %s AND state IN ('new', 'paid')
"""


def handle(payload: str) -> Any:
    try:
        return payments.read(payload)
    except ValueError as error:
        raise RuntimeError("the payment service sent no JSON") from error


def unified_logger() -> Any:
    from unified_logger import LoggingContext, get_logger, init_logging

    init_logging(log_dir=tempfile.mkdtemp(), log_level="DEBUG", console_level="DEBUG")
    LoggingContext(trace_id="4bf92f3577b34da6a3ce929d0e0e4736").__enter__()
    return get_logger("shop.orders")


def structlog() -> Any:
    import structlog

    return structlog.get_logger("shop.orders")


class _Loguru:
    """Its documentation shows fields with `{extra}` in the format."""

    def __init__(self) -> None:
        from loguru import logger
        from loguru._defaults import LOGURU_FORMAT

        logger.remove()
        logger.add(sys.stderr, format=LOGURU_FORMAT + " {extra}")
        self._logger = logger

    def __getattr__(self, name: str) -> Any:
        return lambda message, **fields: getattr(self._logger.bind(**fields).opt(depth=1), name)(message)


class _Rich:
    """`logging` has no fields: they are part of the message."""

    def __init__(self) -> None:
        from rich.logging import RichHandler

        logging.basicConfig(level="NOTSET", format="%(message)s", handlers=[RichHandler(rich_tracebacks=True)])
        self._logger = logging.getLogger("shop.orders")

    def __getattr__(self, name: str) -> Any:
        def log(message: str, **fields: Any) -> None:
            shown = " ".join(f"{name}={value!r}" for name, value in fields.items())
            getattr(self._logger, name)(f"{message} {shown}".rstrip(), stacklevel=2)

        return log


LIBRARIES = {"unified_logger": unified_logger, "loguru": _Loguru, "structlog": structlog, "rich": _Rich}


def main() -> None:
    """Logs what programs log."""
    logger = LIBRARIES[sys.argv[1]]()
    logger.debug("cache looked up", key="customer:7", hit=False, age=None)
    logger.info("order received", order_id=7, customer="Ann Lee", total=129.5, express=True)
    logger.info("订单已支付", order_id=8, amount=88.0)
    logger.info("query", sql=SQL, rows=3, seconds=0.0042)
    logger.warning(
        "stock is low:\n  ham   2\n  eggs  0",
        warehouse="north-2",
        url="https://shop.example/stock?item=ham&item=eggs&page=2",
    )
    try:
        handle("<html>")
    except RuntimeError:
        logger.exception("payment failed", order_id=7, items=[{"sku": "ham", "count": 2}])


if __name__ == "__main__":
    main()
