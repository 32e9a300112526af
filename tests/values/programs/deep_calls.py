"""Goes deep in a thread with as much stack as it is told."""

import logging
import sys
import threading

from unified_logger import JSONFormatter, LoggingContext, flush_logging, get_logger, init_logging

sys.setrecursionlimit(3_000)
kind, kilobytes = sys.argv[1], int(sys.argv[2])
init_logging(log_dir="logs", console_format="off", native_stdlib=True, queue_size=100_000)
logger, theirs = get_logger("app"), logging.getLogger("theirs")


def nested(depth, make):
    value = 1
    for _ in range(depth):
        value = make(value)
    return value


class Value:
    def __repr__(self):
        logger.info("inner", value=[Value()])
        return "value"


class Told(Exception):
    def __str__(self):
        logger.error("inner", exc_info=Told())
        return "told"


class Noted(Exception):
    @property
    def __notes__(self):
        return [Shown()]


class Shown:
    def __str__(self):
        logger.error("inner", exc_info=Noted())
        return "shown"


class Message:
    def __str__(self):
        logger.info(Message())
        return "message"


class Argument:
    def __str__(self):
        logger.info("inner %s", Argument())
        return "argument"


class Theirs:
    def __str__(self):
        theirs.info("inner %s", Theirs())
        return "theirs"

    __repr__ = __str__


class TheirValue:
    def __repr__(self):
        theirs.info("inner", extra={"value": TheirValue()})
        return "theirs"


def chain(depth):
    error = None
    for number in range(depth):
        outer = ValueError(number)
        outer.__cause__ = error
        error = outer
    return error


def run():
    if kind == "nested":
        for depth in range(1, 60):
            logger.info("nested", lists=nested(depth, lambda value: [value]), depth=depth)
            logger.info("nested", dicts=nested(depth, lambda value: {"a": value}), depth=depth)
            logger.info("nested", tuples=nested(depth, lambda value: (value,)), depth=depth)
            with LoggingContext(lists=nested(depth, lambda value: [value, 1.5, 10**30])):
                logger.info("nested", depth=depth)
            theirs.info("nested", extra={"lists": nested(depth, lambda value: [value]), "depth": depth})
    elif kind == "keys":
        logger.info("keys", keys={nested(40, lambda value: (value,)): 1})
    elif kind == "chain":
        logger.error("chain", exc_info=chain(30))
        record = logging.makeLogRecord({"exc_info": (ValueError, chain(30), None), "msg": "m"})
        JSONFormatter().format(record)
    elif kind == "redaction":
        init_logging(log_dir="logs", console_format="off", redaction=True)
        logger.info("redacted", password="hunter2")
    else:
        call = {
            "value": lambda: logger.info("outer", value=Value()),
            "exception": lambda: logger.error("outer", exc_info=Told()),
            "note": lambda: logger.error("outer", exc_info=Noted()),
            "message": lambda: logger.info(Message()),
            "argument": lambda: logger.info("outer %s", Argument()),
            "theirs": lambda: theirs.info("outer %s", Theirs()),
            "their value": lambda: theirs.info("outer", extra={"value": TheirValue()}),
        }[kind]
        call()
    logger.info("end")


least = 64 if sys.version_info >= (3, 14) else 32  # what Python takes
threading.stack_size(max(kilobytes, least) * 1024)
thread = threading.Thread(target=run)
thread.start()
thread.join()
assert flush_logging(60)
