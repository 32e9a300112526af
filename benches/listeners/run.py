"""Measure: `python -m listeners.run`; CPU time of a call at INFO beside others who listen, each in a process of its own, in turns."""

from __future__ import annotations

import argparse
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

from unified_logger import flush_logging, get_logger, init_logging

# Calls of a round; between rounds the queue is emptied.
CALLS = 2_000


def _nothing() -> None:
    pass


def _sentry(**options: Any) -> None:
    import sentry_sdk
    from sentry_sdk.transport import Transport

    class Silent(Transport):
        def capture_envelope(self, envelope: object) -> None:
            pass

    sentry_sdk.init(transport=Silent, auto_enabling_integrations=False, **options)


def _stream(level: int) -> None:
    handler = logging.FileHandler(os.devnull, encoding="utf-8")
    handler.setLevel(level)
    logging.getLogger().addHandler(handler)


def _opentelemetry() -> None:
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, InMemoryLogExporter

    try:
        from opentelemetry.instrumentation.logging.handler import LoggingHandler
    except ImportError:
        from opentelemetry.sdk._logs import LoggingHandler
    provider = LoggerProvider()
    provider.add_log_record_processor(BatchLogRecordProcessor(InMemoryLogExporter()))
    logging.getLogger().addHandler(LoggingHandler(logger_provider=provider))


# Who listens, by the name of the row.
LISTENERS: dict[str, Callable[[], None]] = {
    "nobody": _nothing,
    "sentry_sdk.init() without a DSN": _sentry,
    "sentry_sdk.init() with a DSN: breadcrumbs": lambda: _sentry(dsn="http://key@127.0.0.1:9/1"),
    "a handler at ERROR": lambda: _stream(logging.ERROR),
    "logging.basicConfig()": lambda: _stream(logging.NOTSET),
    "OpenTelemetry's LoggingHandler": _opentelemetry,
}
# Whose call it is.
CALLERS = ("get_logger", "logging, native", "logging alone")


def call_of(caller: str, folder: str) -> Callable[[], None]:
    """A call at INFO with an argument and two fields."""
    if caller == "logging alone":
        logging.getLogger().setLevel(logging.INFO)
    else:
        init_logging(log_dir=folder, console_format="off", overflow_timeout=60)
    if caller == "get_logger":
        ours: Any = get_logger("bench")
        return lambda: ours.info("paid %s", "order", order=7, shop="north")
    theirs = logging.getLogger("bench")
    return lambda: theirs.info("paid %s", "order", extra={"order": 7, "shop": "north"})


def measure(listener: str, caller: str, rounds: int) -> float:
    """CPU time of this thread for a call, nanoseconds: the least of the rounds."""
    LISTENERS[listener]()
    best = float("inf")
    with tempfile.TemporaryDirectory() as folder:
        call = call_of(caller, folder)
        for _ in range(rounds):
            began = time.thread_time_ns()
            for _ in range(CALLS):
                call()
            best = min(best, (time.thread_time_ns() - began) / CALLS)
            flush_logging(30)
    return best


def main() -> None:
    """Measure each row, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="rounds in each of the passes")
    parser.add_argument("--passes", type=int, default=3, help="how often each row is measured; the least counts")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(*options.one, options.rounds)))
        return
    found: dict[tuple[str, str], float] = {}
    for _ in range(options.passes):
        for listener in LISTENERS:
            for caller in CALLERS:
                command = [
                    sys.executable,
                    "-m",
                    "listeners.run",
                    f"--rounds={options.rounds}",
                    "--one",
                    listener,
                    caller,
                ]
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                if done.returncode == 0:
                    taken = float(json.loads(done.stdout.splitlines()[-1]))
                    found[listener, caller] = min(taken, found.get((listener, caller), float("inf")))
                else:
                    print(f"{listener}, {caller}: {done.stderr.splitlines()[-1]}", file=sys.stderr)
    print(
        f"| who listens | {' | '.join(f'{caller}, ns' for caller in CALLERS)} | get_logger × nobody | × logging alone |"
    )
    print(f"| --- | {' | '.join('---:' for _ in CALLERS)} | ---: | ---: |")
    for listener in LISTENERS:
        taken = [found.get((listener, caller), float("nan")) for caller in CALLERS]
        least = found.get(("nobody", "get_logger"), float("nan"))
        row = " | ".join(f"{each:,.0f}" for each in taken)
        print(f"| {listener} | {row} | {taken[0] / least:.2f} | {taken[0] / taken[2]:.2f} |")


if __name__ == "__main__":
    main()
