"""A logging call reads what is in memory, and works nothing in the application."""

from __future__ import annotations

import json
import warnings
from collections import UserDict, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy
import pydantic
import pytest
from sqlalchemy import ForeignKey, create_engine, event
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    MappedAsDataclass,
    Session,
    mapped_column,
    relationship,
)

from unified_logger import _core


def written(value: object) -> Any:
    """The value as it is in a record."""
    return json.loads(_core.encode_value(value))


class Base(MappedAsDataclass, DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "user"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(default="ann")
    picture: Mapped[str] = mapped_column(default="large", deferred=True)
    orders: Mapped[list[Order]] = relationship(default_factory=list, back_populates="user")


class Order(Base):
    __tablename__ = "order"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), default=None)
    user: Mapped[User | None] = relationship(default=None, back_populates="orders")


@pytest.fixture
def session() -> Iterator[Session]:
    """One user with one order, none of them loaded."""
    pytest.importorskip("sqlite3", reason="this Python has no SQLite", exc_type=ImportError)
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(User(id=1, orders=[Order(id=2)]))
        session.commit()
        yield session
    engine.dispose()


def test_no_statement_is_sent(session: Session) -> None:
    """Deferred columns, relations and expired objects. Seen to fail (three statements) with every attribute asked for."""
    user = session.get(User, 1)
    statements: list[str] = []
    event.listen(session.get_bind(), "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    assert written(user) == {"id": 1, "name": "ann"}
    session.expire(user)
    assert written(user) == {}
    assert statements == []


def test_what_is_loaded_of_a_detached_object_is_kept(session: Session) -> None:
    """Seen to fail (`DetachedInstanceError`, and nothing else) with every attribute asked for."""
    user = session.get(User, 1)
    session.expunge_all()
    assert written(user) == {"id": 1, "name": "ann"}


class Lazy:
    """A descriptor that fetches."""

    calls = 0

    def __get__(self, instance: object, owner: type | None = None) -> str:
        if instance is None:
            raise AttributeError
        Lazy.calls += 1
        raise ConnectionError("the store is away")

    def __set__(self, instance: object, value: object) -> None:
        pass


@dataclass
class Fetching:
    name: str
    remote: str


Fetching.remote = Lazy()  # type: ignore[assignment]


class Computing(pydantic.BaseModel):
    a: int

    @pydantic.computed_field  # type: ignore[prop-decorator]
    @property
    def b(self) -> int:
        raise ConnectionError("the store is away")


class Failing(pydantic.BaseModel):
    a: int
    b: int

    @pydantic.field_serializer("b")
    def fails(self, _: int) -> int:
        raise ConnectionError("the store is away")


def test_one_attribute_costs_that_attribute() -> None:
    """What would have to be fetched or computed is left out, and a serializer that fails costs its field."""
    assert written(Fetching("ann", "x")) == {"name": "ann"}
    assert Lazy.calls == 0
    assert written(Computing(a=1)) == {"a": 1}
    failed = written(Failing(a=1, b=2))
    assert failed["a"] == 1
    assert "the store is away" in failed["b"]["$error"]


class Price(pydantic.BaseModel):
    total: float
    shown: float = 0.0

    @pydantic.field_serializer("shown")
    def round(self, shown: float) -> float:
        return shown


def test_pydantic_has_nothing_to_warn_of() -> None:
    """Of values that were assigned or never validated. Seen to fail (a warning, and with `-W error` the value lost) with `model_dump()`."""
    price = Price(total=1)
    price.total = "9.90"  # type: ignore[assignment]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert written(price) == {"total": "9.90", "shown": 0.0}
        assert written(Price.model_construct(total="1")) == {"total": "1", "shown": 0.0}


class Remote(Mapping[str, int]):
    """A view of something far away."""

    fetched = 0

    def __len__(self) -> int:
        return 200_000

    def __iter__(self) -> Iterator[str]:
        return (str(number) for number in range(200_000))

    def __getitem__(self, key: str) -> int:
        Remote.fetched += 1
        return 0


def test_nothing_is_fetched_for_a_mapping() -> None:
    """It is not known to lie in memory. Seen to fail (200,000 items fetched) with each mapping read."""
    assert "Remote object" in written(Remote())
    assert Remote.fetched == 0


class Counted(UserDict[int, int]):
    """One in memory."""

    read = 0

    def __getitem__(self, key: int) -> int:
        Counted.read += 1
        return super().__getitem__(key)


def test_no_more_is_read_than_kept() -> None:
    """Containers of 20,000 items, all told of. Seen to fail with the bounds left to what writes the record."""
    assert written(Counted(dict.fromkeys(range(20000), 0)))["$truncated"] == "10001 more"
    assert Counted.read < 10_000
    for many in (deque(range(20_000)), set(range(20_000)), numpy.arange(20_000), dict.fromkeys(range(20_000)).keys()):
        items = written(many)
        assert items[-1] == "… 10001 more"
        assert items[:9_999] == list(range(9_999))
