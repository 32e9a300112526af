"""A single mapping is the arguments by name, as with `logging`, whatever mapping it is."""

from __future__ import annotations

import logging
import os
from collections import ChainMap, Counter, UserDict, defaultdict
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import pytest
from kinds import Records

from unified_logger import UnifiedLogger, get_logger, shutdown_logging


class Own(Mapping[str, object]):
    """A mapping of the program's own, which tells what it was asked for."""

    def __init__(self, asked: list[str]) -> None:
        self.asked = asked

    def __getitem__(self, name: str) -> object:
        self.asked.append(name)
        return {"k": 1, "password": "hunter2"}[name]

    def __iter__(self) -> Iterator[str]:
        return iter(("k", "password"))

    def __len__(self) -> int:
        return 2

    def __repr__(self) -> str:
        return "Own"


class Derived(dict[str, int]):
    """A dictionary of a class of its own."""


class Untrue(Derived):
    """One that says that it is empty."""

    def __bool__(self) -> bool:
        return False


class Sequence:
    """Has items, and is no mapping."""

    def __getitem__(self, index: int) -> int:
        return 1

    def __repr__(self) -> str:
        return "Sequence"


MAPPINGS: dict[str, Callable[[], Any]] = {
    "dict": lambda: {"k": 1},
    "derived": lambda: Derived(k=1),
    "UserDict": lambda: UserDict(k=1),
    "ChainMap": lambda: ChainMap({}, {"k": 1}),
    "proxy": lambda: MappingProxyType({"k": 1}),
    "own": lambda: Own([]),
    "defaultdict": lambda: defaultdict(int, k=1),
    "Counter": lambda: Counter("k"),
    "environ": lambda: os.environ,
}
OTHERS: dict[str, Callable[[], Any]] = {
    "empty": dict,
    "empty proxy": lambda: MappingProxyType({}),
    "empty UserDict": UserDict,
    "untrue": lambda: Untrue(k=1),
    "list": lambda: [1],
    "sequence": Sequence,
    "text": lambda: "text",
    "number": lambda: 7,
}


def theirs(message: str, given: Any) -> str | None:
    """What `logging` makes of it; None where it raises."""
    record = logging.LogRecord("app", logging.INFO, "a.py", 1, message, (given,), None)
    try:
        return record.getMessage()
    except (TypeError, ValueError):
        return None


@pytest.fixture(params=["native", "listened", "plain"])
def loggers(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, start: Callable[..., Any]
) -> list[UnifiedLogger]:
    """Loggers without and with fields of their own, in each way that a record may take."""
    if request.param == "listened":

        class Listener(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                pass

        logging.getLogger().addHandler(Listener())
    monkeypatch.setenv("USE_UNIFIED_LOGGING", str(request.param != "plain").lower())
    monkeypatch.setenv("k", "1")
    start(redaction=True)
    logger = get_logger("app")
    return [logger, logger.bind(user=7)]


@pytest.mark.parametrize("kind", [*MAPPINGS, *OTHERS])
def test_it_is_merged_as_logging_merges_it(kind: str, loggers: list[UnifiedLogger], records: Records) -> None:
    """Seen to fail with every mapping that is no dictionary."""
    make = {**MAPPINGS, **OTHERS}[kind]
    messages = ["k is %(k)s", "no place", "it is all"] if kind == "environ" else ["k is %(k)s", "no place", "all of %s"]
    for logger in loggers:
        for message in messages:
            logger.info(message, make())
    shutdown_logging()
    # A handler of others is told of once.
    found = [record for record in records() if record["logger"] == "app"]
    for record, message in zip(found, messages * 2, strict=True):
        expected = theirs(message, make())
        assert record["message"] == (message if expected is None else expected)
        assert ("$error" in record) == (expected is None)
    assert theirs("k is %(k)s", make()) == ("k is 1" if kind in MAPPINGS else None)


@pytest.mark.parametrize("kind", ["own", "UserDict", "proxy"])
def test_secrets_are_known_by_their_names(kind: str, loggers: list[UnifiedLogger], records: Records) -> None:
    """Whatever their texts are."""
    asked: list[str] = []
    fields = {"k": 1, "password": "hunter2"}
    given: Any = {"own": Own(asked), "UserDict": UserDict(fields), "proxy": MappingProxyType(fields)}[kind]
    for logger in loggers:
        logger.info("k is %(k)s, in with %(password)s", given)
        logger.info("in with %(password)s, k is %(other)s", given)
    shutdown_logging()
    # A handler of others is told of once.
    found = [record for record in records() if record["logger"] == "app"]
    assert [record["message"] for record in found] == [
        "k is 1, in with [REDACTED]",
        "in with %(password)s, k is %(other)s",
    ] * 2
    assert not [record for record in found if "hunter2" in str(record)]


def test_one_that_raises_costs_no_record(logger: UnifiedLogger, records: Records) -> None:
    """For its truth, its class or its items."""

    class Raising(Own):
        def __len__(self) -> int:
            raise OSError("no length")

    class Liar:
        def __getitem__(self, name: str) -> object:
            raise OSError("no item")

        @property
        def __class__(self) -> Any:
            raise OSError("no class")

    logger.info("k is %(k)s", Raising([]))
    logger.info("k is %(k)s", Liar())
    found = records()
    assert [record["message"] for record in found] == ["k is %(k)s"] * 2
    assert [record["$error"] for record in found] == ["no length", "format requires a mapping"]
