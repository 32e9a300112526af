"""Puts another method in the place of one that is being called."""

import gc
import logging
import sys
import types

from unified_logger import LoggingContext, _core, init_logging

init_logging(log_dir="logs", console_format="off", native_stdlib=True)
logger = logging.getLogger("theirs")
logger.addHandler(logging.NullHandler())  # somebody listens: the library's methods step aside


def forget(name):
    # A copy that has the globals of `logging` takes the original's place; then nobody but the library refers to it.
    _core.set_stdlib_native(False)
    _core.leave_stdlib_levels()
    present = vars(logging.Logger)[name]
    copy = types.FunctionType(present.__code__, present.__globals__, name, present.__defaults__, present.__closure__)
    copy.__kwdefaults__ = present.__kwdefaults__
    setattr(logging.Logger, name, copy)
    del present, copy
    _core.set_stdlib_native(True)
    with LoggingContext(level="DEBUG"):
        pass


def swap(phase, info):
    global armed
    if armed and phase == "start":
        armed = False
        forget(name)
        return [bytes(200) for _ in range(100)]  # what was freed is used for something else


name, armed, calls = sys.argv[1], False, 0
forget(name)
call = {
    "info": lambda: logger.info("aside %d", 1),
    "exception": lambda: logger.exception("aside", extra={"a": 1}),
    "log": lambda: logger.log(logging.INFO, "aside"),
    "isEnabledFor": lambda: logger.isEnabledFor(logging.INFO),
}[name]
call()
gc.callbacks.append(swap)
for _ in range(1_000):
    armed = True
    gc.set_threshold(1, 10, 10)
    call()
    gc.set_threshold(0)
    calls += 1
print(calls)
