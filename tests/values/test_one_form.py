"""One form for one value: the table of docs/values.md, and what equals each other."""

from __future__ import annotations

import collections
import datetime
import decimal
import enum
import fractions
import functools
import ipaddress
import json
import pathlib
import time
import types
import uuid
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
import numpy
import pytest
from requests.structures import CaseInsensitiveDict
from sqlalchemy import create_engine, text
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, Session, mapped_column

from unified_logger import _core

TIME = "2026-02-19T10:30:00"


class Colour(enum.Enum):
    RED = 1


class Low(enum.IntEnum):
    LOW = 2


class Point(NamedTuple):
    x: int


def written(value: object) -> Any:
    """The value as it is in a record."""
    return json.loads(_core.encode_value(value))


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_of_numpy_are_as_those_of_python(unit: Any) -> None:
    """In every unit. Seen to fail (integers for nanoseconds) with `item()`."""
    half = f"{TIME}.5" if unit != "s" else TIME
    assert written(numpy.datetime64(half, unit)) == written(datetime.datetime.fromisoformat(half.replace(".5", ".500")))
    assert written(numpy.array([TIME], f"datetime64[{unit}]")) == [TIME]
    second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    assert written(numpy.timedelta64(3 * second, unit)) == written(datetime.timedelta(seconds=3))
    assert written(numpy.array([[3 * second]], f"timedelta64[{unit}]")) == [[3.0]]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (numpy.datetime64(f"{TIME}.123456789"), f"{TIME}.123456789"),
        (numpy.datetime64("2026-02-19"), "2026-02-19"),
        (numpy.datetime64("2026-02-19T10"), "2026-02-19T10:00:00"),
        (numpy.datetime64("2026-02"), "2026-02"),
        (numpy.datetime64("NaT", "s"), None),
        (numpy.timedelta64("NaT", "s"), None),
        (numpy.timedelta64(2, "D"), 172_800.0),
        (numpy.timedelta64(2, "M"), "2 months"),
        (numpy.float64(1.5), 1.5),
        (numpy.str_("x"), "x"),
        (time.gmtime(0), "1970-01-01T00:00:00"),
        (urlsplit("https://example.org/a?b=c"), "https://example.org/a?b=c"),
        (collections.UserString("x"), "x"),
        ({"a": 1}.keys(), ["a"]),
        ({"a": 1}.items(), [["a", 1]]),
        (httpx.QueryParams("a=1&a=2&b=3"), {"a": ["1", "2"], "b": "3"}),
        (
            functools.partial(max, 1, default=2),
            {"function": "<built-in function max>", "args": [1], "keywords": {"default": 2}},
        ),
        (10**4_000, 10**4_000),
    ],
)
def test_values_are_as_their_users_read_them(value: object, expected: object) -> None:
    """Each in the form that its users know."""
    assert written(value) == expected


def test_integers_without_end_are_hexadecimal() -> None:
    """Python converts no more than 4,300 digits; docs/values.md says so."""
    assert written(10**5_000) == hex(10**5_000)


def test_frameworks_values() -> None:
    """Lazy texts, query parameters with repeated names, rows."""
    from django.utils.functional import lazystr
    from starlette.datastructures import Headers, QueryParams
    from werkzeug.datastructures import ImmutableMultiDict, MultiDict

    assert written(lazystr("hello")) == "hello"
    for pairs in (QueryParams("a=1&a=2&b=3"), MultiDict([("a", "1"), ("a", "2"), ("b", "3")])):
        assert written(pairs) == {"a": ["1", "2"], "b": "3"}
    assert written(ImmutableMultiDict([("a", "1")])) == {"a": "1"}
    assert written(Headers({"accept": "*"})) == {"accept": "*"}


def test_rows_of_sqlalchemy() -> None:
    """By the names of their columns."""
    pytest.importorskip("sqlite3", reason="this Python has no SQLite", exc_type=ImportError)
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        row = connection.execute(text("select 1 as id, 'ann' as name")).one()
    engine.dispose()
    assert written(row) == {"id": 1, "name": "ann"}
    assert written(row._mapping) == {"id": 1, "name": "ann"}


def test_models_of_sqlalchemy() -> None:
    """What is loaded of one that is a dataclass; any other is what its `repr` says."""
    pytest.importorskip("sqlite3", reason="this Python has no SQLite", exc_type=ImportError)

    class Base(MappedAsDataclass, DeclarativeBase):
        pass

    class Order(Base):
        __tablename__ = "order"
        id: Mapped[int] = mapped_column(primary_key=True)

    class PlainBase(DeclarativeBase):
        pass

    class PlainOrder(PlainBase):
        __tablename__ = "order"
        id: Mapped[int] = mapped_column(primary_key=True)

        def __repr__(self) -> str:
            return "PlainOrder"

    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(order := Order(id=7))
        assert written(order) == {"id": 7}
        session.commit()
        assert written(order) == {}
        assert order.id == 7
        assert written(order) == {"id": 7}
    engine.dispose()
    assert written(PlainOrder(id=7)) == "PlainOrder"


# Each row of the table in docs/values.md, by its first column, with values and what they become.
TABLE: dict[str, list[tuple[object, object]]] = {
    "`None`, `bool`, `str`": [(None, None), (True, True), ("x", "x")],
    "`int`": [(7, 7), (10**40, 10**40), (10**5_000, hex(10**5_000))],
    "`float`": [(1.5, 1.5), (float("nan"), "NaN"), (float("inf"), "Infinity"), (-float("inf"), "-Infinity")],
    "`bytes`, `bytearray`, `memoryview`": [(b"a\xff", "a\\xff"), (bytearray(b"a"), "a"), (memoryview(b"a"), "a")],
    "`datetime`, `date`, `time`, `struct_time`": [
        (datetime.datetime(2026, 2, 19), "2026-02-19T00:00:00"),
        (datetime.date(2026, 2, 19), "2026-02-19"),
        (datetime.time(10, 30), "10:30:00"),
        (time.gmtime(0), "1970-01-01T00:00:00"),
    ],
    "`timedelta`": [(datetime.timedelta(milliseconds=250), 0.25)],
    "`UUID`, `Decimal`, `Fraction`, `Path`, IP addresses, `urlsplit(…)`": [
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (decimal.Decimal("1.10"), "1.10"),
        (fractions.Fraction(1, 3), "1/3"),
        (pathlib.PurePosixPath("a/b"), "a/b"),
        (ipaddress.ip_address("::1"), "::1"),
        (urlsplit("https://a/b"), "https://a/b"),
    ],
    "`Enum`": [(Colour.RED, 1), (Low.LOW, 2)],
    "`list`, `tuple`, `deque`, `UserList`, views of a `dict`": [
        ([1], [1]),
        ((1,), [1]),
        (collections.deque([1]), [1]),
        (collections.UserList([1]), [1]),
        ({1: 2}.values(), [2]),
    ],
    "`set`, `frozenset`": [({2, 1}, [1, 2]), (frozenset((1,)), [1])],
    "`dict`, `UserDict`, `ChainMap`, `os.environ`": [
        ({1: 2, "1": 3}, {"1": 2, "1.2": 3}),
        (collections.UserDict(a=1), {"a": 1}),
        (collections.ChainMap({"a": 1}, {"a": 2}), {"a": 1}),
    ],
    "named tuple, dataclass, attrs, pydantic, `SimpleNamespace`": [
        (Point(1), {"x": 1}),
        (types.SimpleNamespace(a=1), {"a": 1}),
    ],
    "`functools.partial`": [(functools.partial(max, 1), {"function": repr(max), "args": [1], "keywords": {}})],
    "NumPy scalar, array": [(numpy.int8(1), 1), (numpy.array([[1, 2]]), [[1, 2]])],
    "`datetime64`, `timedelta64`": [
        (numpy.datetime64(TIME), TIME),
        (numpy.timedelta64(1_500, "ms"), 1.5),
        (numpy.datetime64("NaT", "s"), None),
    ],
    "row of SQLAlchemy": [],
    "model of SQLAlchemy": [],
    "headers and parameters of httpx, Starlette, Werkzeug, Django, requests": [
        (httpx.QueryParams("a=1&a=2"), {"a": ["1", "2"]}),
        (CaseInsensitiveDict(a="1"), {"a": "1"}),
    ],
    "lazy text of Django, `UserString`": [(collections.UserString("x"), "x")],
    "exception": [(ValueError("x"), "ValueError: x"), (KeyError(), "KeyError")],
    "anything else, other mappings too": [(object, "<class 'object'>"), (1j, "1j")],
}


def test_the_table_of_the_docs_holds() -> None:
    """Each row, and no row without a case. Rows of frameworks have theirs above."""
    page = pathlib.Path("docs/values.md").read_text(encoding="utf-8")
    rows = page.partition("| --- | --- |\n")[2].partition("\n\n")[0].splitlines()
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == list(TABLE)
    for cases in TABLE.values():
        for value, expected in cases:
            assert written(value) == expected
