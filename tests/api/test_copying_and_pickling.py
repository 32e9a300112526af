"""What a program holds of this library is copied and pickled with whatever holds it."""

from __future__ import annotations

import copy
import datetime
import logging
import pickle
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import pytest
from kinds import Records

from unified_logger import (
    ConfigurationError,
    Handler,
    JSONFormatter,
    LoggingContext,
    UnifiedLogger,
    UnifiedLoggerFactory,
    carry,
    continue_trace,
    get_logger,
    set_level,
    span,
)
from unified_logger.config.redaction import settle
from unified_logger.stdlib.formatters import TextFormatter

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)
COPIES = [copy.copy, copy.deepcopy]


def through_pickle(thing: Any, protocol: int = pickle.HIGHEST_PROTOCOL) -> Any:
    """What another process would get."""
    return pickle.loads(pickle.dumps(thing, protocol))


@dataclass
class Service:
    """Something of a program's that logs."""

    name: str
    logger: UnifiedLogger = field(default_factory=lambda: get_logger("service"))


@pytest.mark.parametrize("name", ["shop.orders", None, "", "root", "shop.日志", "shop \ud800"], ids=repr)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_pickled_logger_is_the_logger_of_its_name(name: str | None, protocol: int) -> None:
    """As one of `logging` is. Seen to fail without `__reduce__`."""
    logger = get_logger(name)
    assert through_pickle(logger, protocol) is logger


@pytest.mark.parametrize("make", COPIES, ids=lambda make: make.__name__)
def test_a_logger_is_its_own_copy(make: Callable[[Any], Any]) -> None:
    """Bound fields, which may hold what cannot be copied, included."""
    for logger in (get_logger("copied"), get_logger(), get_logger("copied").bind(lock=threading.Lock())):
        assert make(logger) is logger


def test_an_object_that_holds_a_logger_is_copied_and_pickled() -> None:
    """Also by `asdict`, which copies deeply."""
    service = Service("s")
    assert asdict(service) == {"name": "s", "logger": service.logger}
    assert copy.deepcopy(service) == service
    assert through_pickle(service) == service
    assert through_pickle(service.logger.info)  # a method is pickled with what it is bound to


def test_a_logger_that_is_not_the_one_of_its_name_is_not_pickled() -> None:
    """It would come back as another; `logging` refuses that too."""
    logger = UnifiedLogger("made.by.hand", logging.Logger("made.by.hand"))
    with pytest.raises(pickle.PicklingError, match=r"made\.by\.hand"):
        pickle.dumps(logger)
    assert copy.deepcopy(logger) is logger


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", ["bound", None])
def test_a_pickled_bound_logger_keeps_its_fields(
    logger: UnifiedLogger, records: Records, protocol: int, name: str | None
) -> None:
    """In the form that they have in records, so that nothing in them can fail."""
    given = {"self": 1, "name": "n", "day": datetime.date(2026, 1, 2), "lock": threading.Lock(), "deep": {"a": [1.5]}}
    bound = get_logger(name).bind(**given)
    bound.info("here")
    through_pickle(bound, protocol).info("there")
    here, there = ({name: record[name] for name in (*given, "logger")} for record in records())
    assert here == there


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_pickled_context_and_span_are_made_again(logger: UnifiedLogger, records: Records, protocol: int) -> None:
    """With ids, level and fields; what cannot be pickled goes along as records show it."""
    with through_pickle(LoggingContext("t", "s", level="DEBUG", tenant=3, lock=threading.Lock()), protocol):
        logger.debug("in the context")
    with through_pickle(span("work", logger=logger.bind(bound=1), level="WARNING", step=2), protocol):
        logger.info("in the span")
    context, started, inside, ended = records()
    assert (context["trace_id"], context["span_id"], context["tenant"]) == ("t", "s", 3)
    assert context["lock"].startswith("<unlocked")
    assert [(record["level"], record["bound"], record["step"]) for record in (started, ended)] == [
        ("WARNING", 1, 2)
    ] * 2
    assert inside["step"] == 2


class Tenant(LoggingContext):
    """A class of a program's own."""

    def __init__(self, name: str) -> None:
        super().__init__(tenant=name)
        self.name = name


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_is_derived_from_a_context_stays_what_it_is(
    logger: UnifiedLogger, records: Records, protocol: int
) -> None:
    """A trace that is gone on with included: the sender's id is not lost on the way."""
    header = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
    with through_pickle(continue_trace(header, level="DEBUG", step=1), protocol):
        logger.debug("traced")
    with through_pickle(Tenant("t"), protocol) as tenant:
        assert tenant.name == "t"
        logger.info("of a tenant")
    traced, plain = records()
    assert (traced["trace_id"], traced["step"], plain["tenant"]) == ("a" * 32, 1, "t")


class Step(span):
    """A span of a program, with an attribute of its own and one in a slot."""

    __slots__ = ("__dict__", "__order", "owner")

    def number(self, order: int) -> Step:
        self.__order = order
        return self

    def order(self) -> int:
        return self.__order


class Slotted(LoggingContext):
    """A context of a program, with a slot of its own."""

    __slots__ = ("owner",)


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))])
def test_derived_spans_and_contexts_keep_what_they_have(again: Callable[[Any], Any]) -> None:
    """Attributes and slots. Seen to fail (a plain span, no slots)."""
    step = Step("pack", item=1).number(3)
    step.owner, step.later = "me", [1]
    found = again(step)
    assert (type(found), found.owner, found.later, found.order()) == (Step, "me", [1], 3)
    context = Slotted(item=1)
    context.owner = "me"
    assert (type(again(context)), again(context).owner) == (Slotted, "me")


@pytest.mark.skipif(not hasattr(Exception, "add_note"), reason="exceptions have notes from Python 3.11 on")
def test_notes_of_an_error_of_configuration_come_along() -> None:
    """Seen to fail (none)."""
    error = ConfigurationError(source="a", key="b", value=1, allowed="c")
    error.add_note("in the worker")  # type: ignore[attr-defined]
    assert pickle.loads(pickle.dumps(error)).__notes__ == ["in the worker"]


@pytest.mark.parametrize("make", COPIES, ids=lambda make: make.__name__)
@pytest.mark.parametrize(
    "thing",
    [
        lambda: set_level("copied", "INFO"),
        lambda: continue_trace({}, lock=threading.Lock()),
        lambda: LoggingContext(lock=threading.Lock()),
        lambda: span("work", lock=threading.Lock()),
        lambda: carry(threading.Lock().acquire),
    ],
    ids=["level", "trace", "context", "span", "carried"],
)
def test_what_does_not_change_is_its_own_copy(make: Callable[[Any], Any], thing: Callable[[], Any]) -> None:
    """Whatever its fields are."""
    held = thing()
    assert make(held) is held


@pytest.mark.parametrize("again", [*COPIES, through_pickle], ids=lambda again: again.__name__)
@pytest.mark.parametrize("thing", [UnifiedLoggerFactory, Handler, JSONFormatter])
def test_factories_handlers_and_formatters_come_back(again: Callable[[Any], Any], thing: type) -> None:
    """They hold nothing that is of one process."""
    assert type(again(thing())) is thing


def rules() -> Any:
    """Rules with all that there can be in them."""
    given = {
        "keys": ["customer"],
        "keep_keys": ["token"],
        "keep_patterns": ["jwt"],
        "custom": {"order": r"ORD-\d+", "ticket": "[A-Z]{3}#"},
        "allow": ["seen", "pass*"],
        "action": "replace",
        "actions": {"email": "hash", "order": "mask"},
    }
    return settle([("", given)], "the key of hashes")


class Labelled(JSONFormatter):
    """A formatter of a program's own."""

    label = ""

    def format(self, record: logging.LogRecord) -> str:
        return self.label + super().format(record)


@pytest.mark.parametrize("again", [*COPIES, *PROTOCOLS], ids=str)
@pytest.mark.parametrize("kind", [JSONFormatter, TextFormatter, Labelled])
def test_formatters_with_rules_of_redaction_come_back(again: Any, kind: type[Any]) -> None:
    """And replace the same, hashes included. Seen to fail ("cannot pickle … Redaction")."""
    formatter = kind("%(message)s", redaction=rules()) if kind is not TextFormatter else kind(redaction=rules())
    formatter.label = "label "
    other = again(formatter) if callable(again) else through_pickle(formatter, again)
    assert (type(other), other.label) == (kind, "label ")
    record = logging.makeLogRecord(
        {"name": "shop", "levelno": 20, "msg": "a@b.example ORD-17 ABC# %(password)s", "args": {"password": "hunter2"}}
    )
    vars(record).update(customer="c", seen="d", token="t", amount=3)
    line = other.format(record)
    assert line == formatter.format(record)
    for secret in ("a@b.example", "ORD-17", "ABC#", "hunter2", '"c"', "the key of hashes"):
        assert secret not in line
    assert "[HASH:" in line


@pytest.mark.parametrize("again", COPIES, ids=lambda again: again.__name__)
def test_rules_of_redaction_are_their_own_copy(again: Callable[[Any], Any]) -> None:
    """So that a configuration which holds them can be copied, and nothing is compiled again."""
    held = rules()
    assert again({"redaction": held})["redaction"] is held
    assert through_pickle([held, held])[0] is not held


def test_rules_of_redaction_are_for_their_own_class_only() -> None:
    """What it is made again of is what the constructor takes. Nothing of it is shown. Seen to fail (an error) without."""
    held = rules()
    kind, (spec,) = held.__reduce__()
    assert kind(spec).__reduce__() == held.__reduce__()
    assert "the key of hashes" not in f"{held!r} {held}"


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_a_formatter_with_rules_goes_to_other_processes(run_python: Any, method: str) -> None:
    """In the configuration that a process is given. Seen to fail with `spawn`."""
    done = run_python(
        f"""
import logging, multiprocessing, sys
from logging.config import dictConfig
from unified_logger import JSONFormatter
from unified_logger.config.redaction import settle

def work(configuration):
    dictConfig(configuration)
    logging.getLogger("there").warning("by a@b.example", extra={{"password": "hunter2"}})

if __name__ == "__main__":
    rules = settle([("", True)], None)
    configuration = {{
        "version": 1,
        "formatters": {{"json": {{"()": JSONFormatter, "redaction": rules}}}},
        "handlers": {{"out": {{"class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stdout"}}}},
        "root": {{"handlers": ["out"]}},
    }}
    process = multiprocessing.get_context({method!r}).Process(target=work, args=(configuration,))
    process.start()
    process.join()
    sys.exit(process.exitcode)
"""
    )
    assert '"logger":"there"' in done.stdout
    assert "hunter2" not in done.stdout
    assert "a@b.example" not in done.stdout


@pytest.mark.parametrize("again", [*COPIES, through_pickle], ids=lambda again: again.__name__)
@pytest.mark.parametrize("value", [7, threading.Lock()], ids=["plain", "cannot be pickled"])
def test_an_error_of_configuration_says_the_same_elsewhere(again: Callable[[Any], Any], value: object) -> None:
    """A pool whose worker raises one would be broken by it. Seen to fail without `__reduce__`."""
    error = ConfigurationError(source="s", key="k", value=value, allowed="a", line=3, suggestion="n")
    other = again(error)
    assert type(other) is ConfigurationError
    assert (other.source, other.key, other.allowed, other.line, other.suggestion) == ("s", "k", "a", 3, "n")
    assert "_thread.lock" in str(other) if value != 7 else str(other) == str(error)


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_methods_of_objects_with_loggers_run_in_other_processes(run_python: Any, records: Records, method: str) -> None:
    """By `Process` and by `ProcessPoolExecutor`; their records are in the files with what was bound."""
    run_python(
        f"""
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from unified_logger import ConfigurationError, flush_logging, get_logger, init_logging

begin = partial(init_logging, log_dir="logs", console_format="off")

class Service:
    def __init__(self):
        self.logger = get_logger("service")
        self.bound = self.logger.bind(tenant=3, begin=begin)

    def work(self):
        begin()
        self.logger.info("plain")
        self.bound.info("bound")
        assert flush_logging(30)

    def fail(self):
        begin(log_level=self.logger)

if __name__ == "__main__":
    context = multiprocessing.get_context({method!r})
    process = context.Process(target=Service().work)
    process.start()
    process.join()
    assert process.exitcode == 0
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        pool.submit(Service().work).result()
        error = pool.submit(Service().fail).exception()
        assert isinstance(error, ConfigurationError), error
        assert "log_level = <UnifiedLogger service>" in str(error), error
"""
    )
    found = [(record["message"], record.get("tenant")) for record in records()]
    assert found == [("plain", None), ("bound", 3)] * 2
