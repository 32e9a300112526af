"""Takes all memory there is, then logs."""

import json
import logging
import resource
import sys

from unified_logger import LoggingContext, flush_logging, get_logger, get_stats, init_logging

init_logging(log_dir="logs", console_format="off", max_bytes=0, native_stdlib=True)
logger, theirs = get_logger("app"), logging.getLogger("theirs")


def deep(depth):
    if depth:
        deep(depth - 1)
    raise ValueError("y" * 200)


def raised(depth):
    try:
        deep(depth)
    except ValueError as error:
        return error


class Odd:
    def __repr__(self):
        return "odd" * 100


class Noted(ValueError):
    """Is printed in a way of its own, which is asked for where notes cannot be read."""

    @property
    def __notes__(self):
        raise outer


error = raised(100)
for number in range(20):
    error.__context__ = outer = raised(number)
    error = outer
if sys.version_info >= (3, 11):
    group = ExceptionGroup("several", [raised(3) for _ in range(15)])  # noqa: F821 - the line above asks for it
else:
    group = raised(3)
noted = Noted()
large = {number: [{"a": "x" * 500, (number,): Odd()}] for number in range(200)}
text = "täxt " * 2_000
kinds = {
    "plain": lambda: logger.info("m", number=1),
    "exception": lambda: logger.error("m", exc_info=error),
    "new exception": lambda: logger.error("m", exc_info=raised(20)),
    "odd notes": lambda: logger.error("m", exc_info=noted),
    "group": lambda: logger.error("m", exc_info=group),
    "stack": lambda: logger.error("m", stack_info=True),
    "large": lambda: logger.error("m", large=large),
    "merged": lambda: logger.error("m %s %d", text, 3),
    "mapping": lambda: logger.error("m", extra={"a": Odd()}),
    "theirs": lambda: theirs.error("m %s", text, exc_info=error),
    "context": lambda: [
        LoggingContext(large=large).__enter__().__exit__(None, None, None),
        logger.bind(large=large).info("m"),
    ],
    "new place": lambda: eval("logger.info(text, a=Odd())"),
}
call = kinds[sys.argv[1]]
if sys.argv[3] == "warm":
    call()
assert flush_logging(60)
with open("/proc/self/statm") as statm:
    used = int(statm.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + int(sys.argv[2]) * 1024, resource.RLIM_INFINITY))
held, refused = [], 0
for size in (1 << 16, 1 << 10, *range(511, 0, -16)):
    try:
        while True:
            held.append(bytearray(size))
    except MemoryError:
        pass
for _ in range(30):
    try:
        call()
    except MemoryError:  # the interpreter found none for the call
        refused += 1
    flush_logging(0.01)
held.clear()
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
logger.info("after")
assert flush_logging(60)
print(json.dumps({"refused": refused, **get_stats()}))
