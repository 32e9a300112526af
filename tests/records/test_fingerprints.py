"""Equal errors have equal fingerprints: in every process, wherever the code is, and after its lines have moved."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kinds import Records, Run

from unified_logger import JSONFormatter, UnifiedLogger, _core, get_logger
from unified_logger.testing import capture_logs

SHOP = """
class Order:
    def pay(self, amount):
        if amount < 0:
            raise ValueError(f"{amount} is too little")
        if amount > 100:
            raise OverflowError(f"{amount} is too much")
        return self.deeper(amount)

    def deeper(self, depth):
        if depth:
            return self.other(depth - 1)
        raise ValueError("deep")

    def other(self, depth):
        return self.deeper(depth)

class Refund:
    def pay(self, amount):
        raise ValueError(f"{amount} is too little")
"""


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    _core.set_exceptions(True, True, True, False, [], [])
    yield
    _core.set_exceptions(True, True, True, False, [], [])


def shop(source: str = SHOP, file: str = "/srv/one/shop/orders.py", name: str = "shop.orders") -> dict[str, Any]:
    """The names of the module."""
    names: dict[str, Any] = {"__name__": name}
    exec(compile(source, file, "exec"), names)
    return names


def fingerprint(names: dict[str, Any], what: str = "Order", amount: int = -1) -> str:
    """Of the error of a payment, without the frame of this file."""
    with pytest.raises((ValueError, OverflowError)) as caught:
        names[what]().pay(amount)
    traceback = caught.value.__traceback__
    assert traceback is not None
    return str(json.loads(_core.exception_json(caught.value.with_traceback(traceback.tb_next)))["fingerprint"])


def test_it_is_that_of_the_page() -> None:
    """Of types and functions, and of nothing else."""
    text = "builtins.ValueError\nin shop.orders:Order.pay\n"
    expected = "v1-" + hashlib.sha256(text.encode()).hexdigest()[:16]
    if "co_qualname" not in dir(shop.__code__):  # Before 3.11 code does not know its class.
        expected = "v1-" + hashlib.sha256(text.replace("Order.", "").encode()).hexdigest()[:16]
    assert fingerprint(shop()) == expected


def test_messages_lines_and_paths_do_not_count() -> None:
    """The next release on the next machine has the same."""
    one = fingerprint(shop())
    assert fingerprint(shop("\n\n# a comment\n" + SHOP, "/opt/two/orders.py"), amount=-700) == one


def test_types_functions_and_modules_count() -> None:
    """So do causes."""
    names = shop()
    found = [
        fingerprint(names),
        fingerprint(names, amount=101),
        fingerprint(shop(name="shop.refunds")),
        fingerprint(shop("\nclass E(ValueError): ...\n" + SHOP.replace("ValueError", "E"))),
        fingerprint(shop(SHOP.replace("raise ValueError(", "raise ValueError() from KeyError("))),
    ]
    if "co_qualname" in dir(shop.__code__):
        found.append(fingerprint(names, "Refund"))
    assert len({*found}) == len(found)


def test_the_depth_of_a_recursion_does_not_count() -> None:
    """It depends on the data."""
    assert fingerprint(shop(), amount=3) == fingerprint(shop(), amount=90)


def test_every_way_to_a_line_has_the_same(logger: UnifiedLogger, records: Records) -> None:
    """Files, `JSONFormatter` and records that tests collect; whatever else is shown."""
    error = ValueError("never raised")
    try:
        shop()["Order"]().pay(-1)
    except ValueError as raised:
        for form in ((True, True, True), (True, False, False), (False, True, True)):
            _core.set_exceptions(*form, False, [], [])
            logger.exception("refused")
            logging.getLogger("app").exception("refused")
        record = logging.LogRecord("app", logging.ERROR, "a.py", 1, "m", (), (ValueError, raised, raised.__traceback__))
        formatted = json.loads(JSONFormatter().format(record))
        with capture_logs() as collected:
            logger.exception("refused")
        found = {one["exception"]["fingerprint"] for one in [*records(), formatted, collected[0]]}
    assert len(found) == 1
    # What was never raised is told apart by the call that logs it.
    logger.error("one", exc_info=error)
    _log_it(logger, error)
    _log_it(logger, error)
    one, two, three = (record["exception"]["fingerprint"] for record in records()[-3:])
    assert one != two == three
    record = logging.LogRecord("app", logging.ERROR, __file__, 1, "m", (), (ValueError, error, None), "_log_it")
    assert json.loads(JSONFormatter().format(record))["exception"]["fingerprint"] == two


def _log_it(logger: UnifiedLogger, error: BaseException) -> None:
    logger.error("two", exc_info=error)


def test_processes_agree(run_python: Run, tmp_path: Path) -> None:
    """A script, the same as a module, and elsewhere: also where the module is the main one."""
    program = (
        "from unified_logger import init_logging, get_logger\n"
        "def pay():\n    raise ValueError(id(object()))\n"
        "init_logging(log_dir=__import__('sys').argv[-1])\n"
        "try:\n    pay()\nexcept ValueError:\n    get_logger('shop').exception('refused')\n"
    )
    for folder in ("one", "two"):
        (tmp_path / folder / "shop").mkdir(parents=True)
        (tmp_path / folder / "shop" / "orders.py").write_text("\n" * len(folder) * 3 + program)
    runs = {
        "script": "import runpy; runpy.run_path('one/shop/orders.py', run_name='__main__')",
        "module": "import sys; sys.path.insert(0, 'one'); import runpy; runpy.run_module('shop.orders', run_name='__main__')",
        "elsewhere": "import sys; sys.path.insert(0, 'two'); import shop.orders",
        "again": "import sys; sys.path.insert(0, 'two'); import shop.orders",
    }
    found = {}
    for name, code in runs.items():
        run_python(f"import sys; sys.argv.append({name!r})\n{code}")
        [line] = (tmp_path / name / "app.log").read_text().splitlines()
        found[name] = json.loads(line)["exception"]["fingerprint"]
    assert found["module"] == found["elsewhere"] == found["again"]
    assert found["script"] != found["module"]


def test_rules_of_redaction_leave_it(start: Any, records: Records) -> None:
    """It is made of no value."""
    for redaction in (False, True):
        start(redaction=redaction)
        try:
            shop()["Order"]().pay(-1)
        except ValueError:
            get_logger("app").exception("refused", password="hunter2")
    one, two = (record["exception"]["fingerprint"] for record in records())
    assert one == two
