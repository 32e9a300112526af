"""`exceptions: {locals: true}`: the local variables of the application's frames, as texts within bounds."""

from __future__ import annotations

import json
import sys
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from types import ModuleType
from typing import Any, NamedTuple

import pytest
from kinds import Records, Run, Start

from unified_logger import UnifiedLogger, _core, get_logger, register_value
from unified_logger.values import variables


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    _core.set_exceptions(True, True, True, False, [], [])


@pytest.fixture
def logger(start: Start) -> UnifiedLogger:
    """Of a process that wants local variables."""
    start(exceptions={"locals": True})
    return get_logger("app")


def locals_of(record: dict[str, Any], function: str) -> dict[str, str]:
    """Those of a function's frame."""
    [frame] = [frame for frame in record["exception"]["frames"] if frame.get("function") == function]
    return frame.get("locals", {})  # type: ignore[no-any-return] # texts


def pay(order: int, /, *lines: object, currency: str = "EUR", **more: object) -> None:
    total, unset, none = 0.5, 1, None
    del unset
    assert none is None

    def inner() -> object:
        return order, total

    inner()
    raise ValueError("refused")


def fails(function: Callable[..., object], *arguments: object, **named: object) -> None:
    """Logs what the function raises."""
    try:
        function(*arguments, **named)
    except Exception:
        get_logger("app").exception("refused")


@pytest.mark.usefixtures("logger")
def test_they_are_in_the_frames(records: Records) -> None:
    """Parameters, variables, and those that functions inside use; none that has no value, and none of a module."""
    fails(pay, 7, "a", currency="CHF", gift=True)
    [record] = records()
    found = locals_of(record, "pay")
    assert found.pop("inner").startswith("<function pay.<locals>.inner")
    assert found == {
        "order": "7",
        "lines": "('a',)",
        "currency": "'CHF'",
        "more": "{'gift': True}",
        "total": "0.5",
        "none": "None",
    }
    assert "locals" not in record["exception"]["traceback"]


def test_they_are_not_there_unless_asked_for(start: Start, records: Records) -> None:
    """Values may be secrets."""
    start()
    fails(pay, 7)
    assert "locals" not in json.dumps(records())


@pytest.mark.usefixtures("logger")
def test_closures_generators_and_methods_have_theirs(records: Records) -> None:
    """A frame that still runs, too; what `locals()` has returned stays as it is."""
    outer = "seen inside"

    class Shop:
        def pay(self) -> None:
            raise ValueError(outer)

        def __repr__(self) -> str:
            return "<Shop 7>"

    def orders() -> Iterator[int]:
        number = 1
        yield number
        Shop().pay()

    def running() -> dict[str, Any]:
        early = 1
        before = locals()
        try:
            list(orders())
        except ValueError:
            late = 2
            get_logger("app").exception("refused")
        assert late == 2
        return before

    assert running() == {"early": 1, "orders": orders}
    [record] = records()
    assert locals_of(record, "pay") == {"self": "<Shop 7>", "outer": "'seen inside'"}
    assert locals_of(record, "orders")["number"] == "1"
    found = locals_of(record, "running")
    assert (found["early"], found["late"]) == ("1", "2")


@pytest.mark.usefixtures("logger")
def test_frames_of_libraries_have_none(records: Records) -> None:
    """Nor have those of the standard library."""
    fails(json.loads, "{")
    [record] = records()
    with_locals = [frame["function"] for frame in record["exception"]["frames"] if "locals" in frame]
    assert with_locals == ["fails"]


class Point(NamedTuple):
    x: int
    y: int


@dataclass
class User:
    name: str
    password: str = field(repr=False, default="hunter2")
    tags: list[int] = field(default_factory=lambda: list(range(1_000_000)))


class Plain:
    pass


class Odd:
    def __repr__(self) -> str:
        raise RuntimeError("no")


class Long:
    def __repr__(self) -> str:
        return "word " * 1_000


class Same(list):  # type: ignore[type-arg] # of anything
    pass


_cycle: list[Any] = [1]
_cycle.append(_cycle)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("it's", '"it\'s"'),
        (b"\xff", "b'\\xff'"),
        (Decimal("1.10"), "Decimal('1.10')"),
        (True, "True"),
        (10**400, "<int of 1329 bits>"),
        ((), "()"),
        ({1}, "{1}"),
        (set(), "set()"),
        (frozenset(), "frozenset()"),
        (deque([1, 2]), "deque([1, 2])"),
        (defaultdict(int, a=1), "defaultdict({'a': 1})"),
        (OrderedDict(a=1), "OrderedDict({'a': 1})"),
        (Same([1]), "[1]"),
        (list(range(1_000_000)), "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, … 999990 more]"),
        ({"a": {"b": {"c": {"d": 1}}}}, "{'a': {'b': {'c': …}}}"),
        (_cycle, "[1, …]"),
        (Point(1, 2), "Point(x=1, y=2)"),
        (User("Ada"), "User(name='Ada', tags=[0, 1, 2, 3, 4, … 999995 more])"),
        (Plain(), f"<{__name__}.Plain object>"),
        (Odd(), "<repr() of Odd failed: RuntimeError>"),
        ([Odd()], "[<repr() of Odd failed: RuntimeError>]"),
        (Long(), "word " * 50 + "word…(+4746 characters)"),
        ([Long()], "[<5000 characters>]"),
        ("x" * 1_000, "'…(+1001 characters)"),
        ("x" * 100_000, "<str of 100000>"),
        ({"body": "x" * 1_000}, "{'body': <1002 characters>}"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_is_shown_within_bounds(value: object, text: str) -> None:
    """As its `repr` would show it, and read no further than it is shown."""
    assert variables.texts([("it", value)]) == [("it", text)]


def test_no_secret_is_torn() -> None:
    """Where a text is cut, its last word is left out, and with it digits in groups: no pattern would know their rest."""
    number = "4111 1111 1111 1111"
    for before in range(225, 262):
        [(_, text)] = variables.texts([("it", "a" * before + " " + number + " end" * 20)])
        assert "4111" not in text or number in text


def test_a_query_is_not_made() -> None:
    """The `repr` of a result that is not there yet would ask the database."""
    module = ModuleType("django.db.models.query")
    exec(
        "class QuerySet:\n    def __repr__(self):\n        raise AssertionError('asked')\nclass Own(QuerySet): ...",
        vars(module),
    )
    assert variables.texts([("rows", module.Own())]) == [("rows", "<django.db.models.query.Own object>")]


def test_registered_classes_are_shown_as_in_fields() -> None:
    """What was registered outranks everything."""

    class Money:
        def __repr__(self) -> str:
            return "secret"

    register_value(Money, lambda money: {"cents": 250})
    assert variables.texts([("it", [Money()])]) == [("it", "[{'cents': 250}]")]


@pytest.mark.usefixtures("logger")
def test_their_number_and_size_are_bounded(records: Records) -> None:
    """The frame that raised is asked first."""
    names: dict[str, Any] = {"__name__": "app"}
    assignments = "".join(f"    v{n} = {n}\n" for n in range(50))
    exec(compile(f"def many():\n{assignments}    raise ValueError\n", "<generated>", "exec"), names)
    fails(names["many"])

    def deep(n: int, text: str) -> None:
        if n == 0:
            raise ValueError
        exec("deep(n - 1, text)", {"deep": deep, "n": n, "text": text})

    fails(deep, 90, "x " * 120)
    many, large = records()
    found = locals_of(many, "many")
    assert (len(found), found["v31"], found["$truncated"]) == (33, "31", "18 more")
    frames = [frame.get("locals") for frame in large["exception"]["frames"] if frame.get("function") == "deep"]
    assert frames[-1]["n"] == "0"
    assert frames[0] == {"$truncated": "size"}
    assert len(json.dumps(frames)) < 24_000


@pytest.mark.parametrize("redaction", [True, {"keys": ["iban"], "actions": {"email": "mask"}}])
def test_rules_of_redaction_hold_for_them(start: Start, records: Records, redaction: Any) -> None:
    """By the variable's name, and by patterns in its text."""
    start(exceptions={"locals": True}, redaction=redaction)

    def sign_in(password: str, token: None, iban: str, mail: str, request: object, is_secret: bool) -> None:
        raise ValueError("no")

    def visit() -> None:
        # Names decide, and the names of a helper's parameters say nothing.
        sign_in("hunter2", None, "CH93", "alice@example.com", {"headers": {"X-Api-Key": "k-123456"}}, True)

    fails(visit)
    found = locals_of(records()[0], "sign_in")
    assert "k-123456" not in json.dumps(records())
    assert "alice" not in json.dumps(records())
    assert (found["password"], found["token"], found["is_secret"]) == ("[REDACTED]", "None", "True")
    assert (found["iban"] == "[REDACTED]") == (redaction is not True)


def test_a_hash_is_that_of_the_value(start: Start, records: Records) -> None:
    """Not that of its quotes: it is found wherever the same secret was."""
    start(exceptions={"locals": True}, redaction={"action": "hash"}, redaction_hash_key="a secret of the test")

    def sign_in(password: str) -> None:
        raise ValueError("no")

    fails(sign_in, "hunter2")
    get_logger("app").info("signed in", password="hunter2")
    one, two = records()
    assert locals_of(one, "sign_in")["password"] == two["password"]
    assert two["password"].startswith("[HASH:")


@pytest.mark.usefixtures("logger")
def test_a_repr_that_logs_its_own_error_ends(records: Records) -> None:
    """What is logged meanwhile has no variables."""

    class Loud:
        def __repr__(self) -> str:
            fails(self.fail, self)
            return "<Loud>"

        def fail(self, again: object) -> None:
            raise LookupError

    def outer(loud: object) -> None:
        raise ValueError

    fails(outer, Loud())
    found = records()
    assert locals_of(found[-1], "outer") == {"loud": "<Loud>"}
    assert all("locals" not in json.dumps(record) for record in found[:-1])


@pytest.mark.usefixtures("logger")
def test_an_interrupt_is_for_the_program(records: Records) -> None:
    """It is raised after the record."""

    class Slow:
        def __repr__(self) -> str:
            raise KeyboardInterrupt

    def outer(slow: object) -> None:
        raise ValueError

    with pytest.raises(KeyboardInterrupt):
        fails(outer, Slow())
    assert records()[0]["exception"]["type"] == "ValueError"


def test_values_are_let_go_of(logger: UnifiedLogger) -> None:
    """As soon as the call returns, even of a frame that still runs."""

    class Large:
        pass

    def running() -> int:
        large = Large()
        try:
            raise ValueError
        except ValueError:
            logger.exception("refused")
        before = sys.getrefcount(large)
        try:
            raise ValueError
        except ValueError:
            logger.exception("refused")
        return sys.getrefcount(large) - before

    assert running() == 0


def test_a_child_and_a_killed_process_keep_them(run_python: Run, tmp_path: Any) -> None:
    """Variables are in the record before the call returns, and redacted by the process that recovers it."""
    code = (
        "import os\nfrom unified_logger import init_logging, get_logger\n"
        "init_logging(log_dir='logs', exceptions={'locals': True, 'form': 'frames'}, redaction=True)\n"
        "def pay(password, order):\n    raise ValueError\n"
        "if os.fork() == 0:\n"
        "    try:\n        pay('hunter2', 7)\n"
        "    except ValueError:\n        get_logger('shop').exception('refused')\n"
        "    os.kill(os.getpid(), 9)\n"
        "os.wait()\n"
    )
    run_python(code)
    run_python("from unified_logger import init_logging; init_logging(log_dir='logs')")
    lines = (tmp_path / "logs" / "app.log").read_text().splitlines()
    [record] = [record for record in map(json.loads, lines) if record["message"] == "refused"]
    assert locals_of(record, "pay") == {"password": "[REDACTED]", "order": "7"}
    assert "traceback" not in record["exception"]
