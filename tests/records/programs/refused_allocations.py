"""Refuses each allocation of a call in turn."""

import _testcapi
import datetime
import decimal
import json
import uuid

from unified_logger import flush_logging, get_logger, get_stats, init_logging

init_logging(log_dir="logs", console_format="off", max_bytes=0)
logger = get_logger("app")


class Odd:
    def __repr__(self):
        return "an odd thing called " + str(id(self))


VALUES = {
    "plain": {"text": "täxt \N{SNOWMAN} \N{GRINNING FACE}", "number": 12345678901234567890, "real": 1.5, "none": None},
    "nested": {"items": [1, {"a": (2, [3, {4, 5}])}, b"bytes"], "keys": {1: "one", None: 2, (3,): 4}},
    "objects": {
        "odd": Odd(),
        "when": datetime.datetime(2026, 1, 1),
        "money": decimal.Decimal("1.5"),
        "id": uuid.UUID(int=7),
    },
}
LONG = {"long": "x" * 100_000}
MESSAGE = "a message of %s parts and %d more"
raised, calls = [], 0


def call(kind, fields):
    if kind == "exception":
        try:
            raise ValueError("bad")
        except ValueError:
            # Taken before memory runs out, as the application's own frames were.
            return lambda: logger.error("failed", exc_info=True)
    if kind == "format":
        return lambda: logger.info(MESSAGE, "some", 3)
    code = f"lambda: logger.info('m', {', '.join(f'{name}=fields[{name!r}]' for name in fields)})"
    return eval(code, {"logger": logger, "fields": fields})


KINDS = [(kind, fields) for kind, fields in [*VALUES.items(), *[("long", LONG)]]]
KINDS += [("exception", {}), ("format", {})]
for kind, fields in KINDS:
    log = call(kind, fields)
    log()
    calls += 1
    for first in range(1, 60):
        # Where everything is refused for long, CPython itself ends: it needs memory to say that there is none.
        for count in (1, 3):
            calls += 1
            _testcapi.set_nomemory(first, first + count)
            try:
                log()
            except BaseException as error:
                _testcapi.remove_mem_hooks()
                raised.append((kind, first, count, repr(error)))
            else:
                _testcapi.remove_mem_hooks()
assert flush_logging(30)
stats = get_stats()
print(json.dumps({"calls": calls, "raised": raised, "stats": stats}))
