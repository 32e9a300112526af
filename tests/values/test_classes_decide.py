"""A class decides what is shown of it: nothing is written that its own text leaves out or masks."""

from __future__ import annotations

import collections
import enum
import json
from collections import UserDict
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple

import attrs
import httpx
import pydantic
import pydantic.v1
import pytest
from sqlalchemy.engine import URL

from unified_logger import _core, register_value, values


def written(value: object) -> Any:
    """The value as it is in a record."""
    return json.loads(_core.encode_value(value))


@dataclass
class Login:
    user: str
    password_hash: str = field(repr=False)


@dataclass(slots=True)
class Slotted:
    user: str
    pin: str = field(repr=False)


@dataclass
class Masked:
    number: str

    def __repr__(self) -> str:
        return "Masked(****)"


@dataclass(repr=False)
class Derived(Masked):
    pass


@attrs.define
class Card:
    owner: str
    pin: str = attrs.field(repr=False)
    number: str = attrs.field(repr=lambda number: "****" + number[-4:])


@attrs.define(slots=False)
class OpenCard:
    owner: str
    pin: str = attrs.field(repr=False)


class Model(pydantic.BaseModel):
    user: str
    password: str = pydantic.Field(repr=False)
    internal: str = pydantic.Field(default="hidden", exclude=True)
    key: pydantic.SecretStr = pydantic.SecretStr("hidden")


class Serialized(pydantic.BaseModel):
    number: Annotated[str, pydantic.PlainSerializer(lambda number: "****" + number[-4:])]
    pins: list[Annotated[str, pydantic.PlainSerializer(lambda _: "*")]] = ["1234"]

    @pydantic.field_serializer("pins")
    def hide(self, pins: list[str]) -> str:
        return f"{len(pins)} pins"


class Itself(pydantic.BaseModel):
    children: list[Itself] = []
    pin: Annotated[str, pydantic.PlainSerializer(lambda _: "*")] = "1234"


class Dumped(pydantic.BaseModel):
    secret: str

    def model_dump(self, **_: Any) -> dict[str, Any]:
        return {"secret": "*"}


class Told(pydantic.BaseModel):
    secret: str

    def __repr_args__(self) -> Any:
        return [("secret", "*")]


class Old(pydantic.v1.BaseModel):
    user: str
    password: str = pydantic.v1.Field(repr=False)
    internal: str = pydantic.v1.Field("hidden", exclude=True)


class Point(NamedTuple):
    x: int


class Hidden(NamedTuple):
    secret: str

    def __repr__(self) -> str:
        return "Hidden(*)"


class Secrets(dict[str, str]):
    def __repr__(self) -> str:
        return "Secrets(*)"


class Words(list[str]):
    def __repr__(self) -> str:
        return "Words(*)"


class Wrapped(UserDict[str, str]):
    def __repr__(self) -> str:
        return "Wrapped(*)"


class Secret(str):
    def __repr__(self) -> str:
        return "'*'"


class Spelled(str):
    def __str__(self) -> str:
        return "*"


class Told2(str):
    def __repr__(self) -> str:
        return f"Told2({str.__repr__(self)})"


class Colour(str, enum.Enum):
    RED = "red"

    def __repr__(self) -> str:
        return "Colour.RED"


CASES: dict[str, tuple[object, object]] = {
    "dataclass field": (Login("ann", "x9"), {"user": "ann"}),
    "dataclass with slots": (Slotted("ann", "x9"), {"user": "ann"}),
    "dataclass with words of its own": (Masked("4111"), "Masked(****)"),
    "dataclass with those of its base": (Derived("4111"), "Masked(****)"),
    "attrs field": (Card("ann", "x9", "41111111"), {"owner": "ann", "number": "****1111"}),
    "attrs without slots": (OpenCard("ann", "x9"), {"owner": "ann"}),
    "pydantic field": (Model(user="ann", password="x9"), {"user": "ann", "key": "SecretStr('**********')"}),
    "pydantic serializers": (Serialized(number="41111111"), {"number": "****1111", "pins": "1 pins"}),
    "pydantic model in itself": (Itself(children=[Itself()]), {"children": [{"children": [], "pin": "*"}], "pin": "*"}),
    "pydantic's own dump": (Dumped(secret="x9"), {"secret": "*"}),
    "pydantic's own arguments": (Told(secret="x9"), {"secret": "*"}),
    "pydantic 1": (Old.parse_obj({"user": "ann", "password": "x9"}), {"user": "ann"}),
    "named tuple": (Point(1), {"x": 1}),
    "named tuple with words of its own": (Hidden("x9"), "Hidden(*)"),
    "URL of SQLAlchemy": (
        URL.create("postgresql", username="app", password="hunter2", host="db"),
        "postgresql://app:***@db",
    ),
    "headers of httpx": (
        httpx.Headers({"Authorization": "Bearer s3cr3t", "Accept": "*"}),
        {"authorization": "[secure]", "accept": "*"},
    ),
    "dict": (Secrets(a="x9"), "Secrets(*)"),
    "list": (Words(["x9"]), "Words(*)"),
    "UserDict": (Wrapped(a="x9"), "Wrapped(*)"),
    "text": (Secret("x9"), "'*'"),
    "text by its str": (Spelled("x9"), "*"),
    "text that tells": (Told2("x9"), "x9"),
    "enumeration of texts": (Colour.RED, "red"),
    "counter": (collections.Counter("aab"), {"a": 2, "b": 1}),
    "default dictionary": (collections.defaultdict(list, a=[1]), {"a": [1]}),
}


@pytest.mark.parametrize(("value", "expected"), CASES.values(), ids=CASES)
def test_a_class_decides_what_is_shown(value: object, expected: object) -> None:
    """By itself, and inside of containers. Seen to fail (all fields and items) with each looked through for what it holds."""
    assert written(value) == expected
    assert written([{"in": value}]) == [{"in": expected}]


@dataclass(repr=False)
class Hidden:
    password: str


@attrs.define(repr=False)
class HiddenToo:
    password: str


@pytest.mark.parametrize("value", [Hidden("x9"), HiddenToo("x9")], ids=["dataclass", "attrs"])
def test_a_class_without_a_text_of_its_own_shows_nothing(value: object) -> None:
    """As in a `print`. Seen to fail (all fields)."""
    assert written(value) == repr(value)
    assert "x9" not in repr(value)


class Amount:
    def __init__(self, cents: int) -> None:
        self.cents = cents


class Number(pydantic.BaseModel):
    number: str


class Order(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(arbitrary_types_allowed=True, extra="allow")
    number: Number
    amounts: list[Amount] = []


class OldOrder(pydantic.v1.BaseModel):
    class Config:
        arbitrary_types_allowed = True

    amount: Amount


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two classes have a conversion; what was registered before comes back."""
    monkeypatch.setattr(values, "_registered", dict(values._registered))
    register_value(Number, lambda number: "****" + number.number[-4:])
    register_value(Amount, lambda amount: f"{amount.cents} cents")


@pytest.mark.usefixtures("registered")
def test_what_is_registered_holds_inside_of_models() -> None:
    """In fields, lists, extra fields and views. Seen to fail with `model_dump`, which takes inner models apart itself."""
    order = Order.model_validate({"number": Number(number="41111111"), "amounts": [Amount(5)], "more": Amount(6)})
    assert written(order) == {"number": "****1111", "amounts": ["5 cents"], "more": "6 cents"}
    assert written(OldOrder(amount=Amount(7))) == {"amount": "7 cents"}
    assert written({1: Amount(8)}.values()) == ["8 cents"]
    assert written(collections.UserList([Amount(9)])) == ["9 cents"]


@pytest.mark.parametrize("kind", [type(None), bool, int, float, str, dict, list, tuple])
def test_what_has_no_effect_is_refused(kind: type) -> None:
    """These are written without asking. Seen to fail (silence, and no effect) without the look."""
    with pytest.raises(TypeError, match=f"{kind.__name__}.*has no effect"):
        register_value(kind, str)


@pytest.mark.parametrize(("kind", "function"), [("Amount", str), (Amount, "str")])
def test_what_is_no_registration_is_refused(kind: Any, function: Any) -> None:
    """At once, and not at each value."""
    with pytest.raises(TypeError, match="register_value"):
        register_value(kind, function)
