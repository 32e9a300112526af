"""A call from a place seen before asks for no memory on its thread, neither for native code nor for Python objects."""

from __future__ import annotations

import json
import sys

import pytest
from kinds import Run

COUNT = """
def first():
    logger.info("m", number=1)

def first_but_disabled():
    logger.debug("m", number=1)

NAMES = {
    "logger": logger, "info": logger.info, "log": logger.log, "first": first, "first_but_disabled": first_but_disabled,
    "large": 12345678901234, "nan": float("nan"), "huge": 1 << 100, "user": "用户", "one": "1", "items": [1, 2, "a"],
    "mapping": {"a": 1, "b": [2, 3]},
}
print(json.dumps([callpath.allocations(body, **NAMES) for body in json.loads(sys.argv[1])]))
"""

# Until 3.10 Python makes an object of a method that it calls with keywords.
METHOD = 0 if sys.version_info >= (3, 11) else 1


def allocations(run: Run, *bodies: str) -> list[float]:
    """How often the caller's thread asks for memory in each run of a statement, for each statement."""
    found: list[float] = json.loads(run(COUNT, json.dumps(bodies)).stdout)
    return found


GUIDE = (
    "logger.info('API 请求处理', endpoint='/api/ai/chat', method='POST', user_id='user_001', latency_ms=234, "
    "status_code=200)"
)


@pytest.mark.parametrize(
    ("call", "by_python"),
    [
        (GUIDE, METHOD),
        ("logger.info('m')", 0),
        ("logger.info('m', real=1.5, true=True, none=None, large=large, negative=-7, nan=nan)", METHOD),
        ("logger.info('中文消息', text='中文文本', latin='é', emoji='🎉 done')", METHOD),
        (f"logger.info('m', text='{'x' * 1_000}')", METHOD),
        ("logger.warning('m', number=1)", METHOD),
        ("logger.error('m', number=1)", METHOD),
        ("logger.debug('m', number=1)", METHOD),
        ("logger.log(20, 'm', number=1)", METHOD),
        ("info('m', number=1)", 0),
    ],
    ids=["guide", "message", "numbers", "texts", "long text", "warning", "error", "disabled", "log", "method kept"],
)
def test_a_call_allocates_nothing(run_counted: Run, call: str, by_python: int) -> None:
    """The forms that most calls have, with a context.

    Seen to fail with a `Vec` made for each record.
    """
    assert allocations(run_counted, call) == [by_python]


@pytest.mark.parametrize(
    ("call", "made"),
    [
        ("text = user + '中'; info(text, text=text)", "text = user + '中'"),
        ("info(f'{user} came', latin=f'{one}é')", "f'{user} came'; f'{one}é'"),
    ],
    ids=["joined", "formatted"],
)
def test_nothing_is_kept_in_the_texts_of_the_application(run_counted: Run, call: str, made: str) -> None:
    """Texts made for one call cost what making them costs: their UTF-8 is not left inside them.

    Seen to fail with `PyUnicode_AsUTF8AndSize`.
    """
    logged, control = allocations(run_counted, call, made)
    assert logged == control


def test_a_function_that_logs_once_costs_no_frame_object(run_counted: Run) -> None:
    """The running frame is no object until somebody asks for one.

    Seen to fail with the place of the call asked of `PyEval_GetFrame`.
    """
    assert allocations(run_counted, "first()", "first_but_disabled()") == [METHOD, METHOD]


@pytest.mark.parametrize(
    ("call", "most"),
    [
        # Python formats: a text and a tuple are made of the message and its arguments, then the message is copied twice.
        ("info('%s has %d', 'a', 3)", 9),
        ("info('%s has %d', 'a', 3, number=1)", 13),
        # The names of other levels are asked of `logging`, which may have been told others. Python 3.13 makes one object more there.
        ("log(21, 'm', number=1)", 14 if sys.version_info >= (3, 13) else 13),
        # Fields that are not keywords are no part of the call site.
        ("info('m', extra=mapping)", 13),
        # JSON is made at once, in memory of its own.
        ("info('m', items=items)", 3),
        ("info('m', mapping=mapping)", 3),
        ("info('m', huge=huge)", 3),
    ],
    ids=["%", "% and a field", "log", "extra", "list", "dict", "integer of many digits"],
)
def test_other_calls_allocate_a_few_times(run_counted: Run, call: str, most: int) -> None:
    """As often as was seen; where the code is made better, a bound falls."""
    assert 0 < allocations(run_counted, call)[0] <= most
