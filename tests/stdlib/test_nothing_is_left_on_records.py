"""Records of `logging` have no attribute of ours: who exports every attribute that `logging` does not give exports none.

What is known of a record goes with its copies all the same, and along to other processes.
"""

from __future__ import annotations

import copy
import gc
import importlib
import io
import json
import logging
import logging.handlers
import marshal
import pickle
import queue
import sys
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest
import yaml
from kinds import Records, Start

from unified_logger import Handler, JSONFormatter, LoggingContext, get_logger

ROOT = logging.getLogger()
STANDARD = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}


class Kept(logging.Handler):
    """Keeps records."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture(params=[True, False], ids=["engine", "plain"])
def kept(request: pytest.FixtureRequest, start: Start) -> Kept:
    """A handler behind ours, with the engine and without."""
    start(use_unified_logging=request.param, console_format="off")
    ROOT.addHandler(handler := Kept())
    return handler


def log() -> None:
    """A record of ours, an AI record of ours, and one of `logging`."""
    with LoggingContext(trace_id="t", span_id="s", user="u"):
        get_logger("ours").warning("ours %d", 1, order=7, name="n")
        get_logger("ours").ai("ai", model="m", tokens=3)
        logging.getLogger("theirs").warning("theirs %d", 1, extra={"n": 1})


def others(record: logging.LogRecord) -> dict[str, Any]:
    """The attributes that `logging` does not give to all records."""
    return {name: value for name, value in vars(record).items() if name not in STANDARD}


def test_fields_and_context_are_the_only_attributes(kept: Kept) -> None:
    """Seen to fail with two attributes of this library's, the context a second time in one of them."""
    log()
    context = {"trace_id": "t", "span_id": "s", "user": "u"}
    ours, ai, theirs = map(others, kept.records)
    assert ours == context | {"order": 7, "fields.name": "n"}
    assert {name: ai[name] for name in (*context, "tokens")} == context | {"tokens": 3}
    assert not [name for name in ai if name.startswith("_")]
    assert theirs == {"n": 1}


def test_a_record_is_of_its_own_trace(kept: Kept, records: Records) -> None:
    """Whatever fields it has: here as in the file. Seen to fail with the field in the place of the id."""
    with LoggingContext(trace_id="t", span_id="s", user="u"):
        get_logger("ours").warning("ours", trace_id="mine", user="other")
    get_logger("ours").warning("alone", trace_id="mine")
    inside, alone = map(others, kept.records)
    assert inside == {"trace_id": "t", "span_id": "s", "user": "other", "fields.trace_id": "mine"}
    assert alone == {"trace_id": "mine"}
    written = [{name: record.get(name) for name in inside} for record in records()]
    assert written == [inside, dict.fromkeys(inside) | {"fields.trace_id": "mine"}]


def test_a_filter_sees_them_only(kept: Kept, records: Records) -> None:
    """Before a record is captured too; what filters and handlers add is in the files."""
    seen: list[set[str]] = []

    def enrich(record: logging.LogRecord) -> bool:
        seen.append(set(others(record)))
        record.tenant = 3
        return True

    handler = logging.Handler()
    handler.addFilter(enrich)
    for name in ("ours", "theirs"):
        logging.getLogger(name).addFilter(enrich)
    log()
    assert not [name for names in seen for name in names if name.startswith("_")]
    assert [record["tenant"] for record in records()] == [3, 3, 3]


# What a handler may pick of a record.
PICKED = ("process", "thread", "lineno", "levelno", "created", "msecs", "name", "levelname", "funcName", "threadName")


def test_values_are_those_that_logging_gives(kept: Kept) -> None:
    """Who takes values of exactly the plain classes takes them. Seen to fail with a mark that was `process`."""
    log()
    assert len(kept.records) == 3
    for record in kept.records:
        assert [type(getattr(record, name)) for name in ("process", "thread", "lineno")] == [int] * 3
        picked = {name: getattr(record, name) for name in PICKED}
        assert yaml.safe_load(yaml.safe_dump(picked)) == picked
        assert marshal.loads(marshal.dumps(picked)) == picked
        assert json.loads(json.dumps(picked)) == picked


def test_one_number_is_an_equal_one(kept: Kept) -> None:
    """`relativeCreated` is written alike by whoever takes it for a float, and a plain one elsewhere."""
    seen: list[float] = []
    logging.getLogger("theirs").addFilter(lambda record: not seen.append(record.relativeCreated))
    log()
    assert [type(value) for value in seen] == [float]
    assert kept.records[2].relativeCreated == seen[0]
    for record in kept.records:
        value = record.relativeCreated
        plain = float(value)
        assert isinstance(value, float)
        assert (value, hash(value), type(value + 0)) == (plain, hash(plain), float)
        assert [str(value), f"{value:.3f}", json.dumps(value)] == [str(plain), f"{plain:.3f}", json.dumps(plain)]
        assert repr(value) == repr(plain)
        assert type(pickle.loads(pickle.dumps(value))) is float


def test_a_record_made_of_another_is_one_of_its_own(kept: Kept, records: Records) -> None:
    """It has process, thread and place of one that is captured. Seen to be lost with a mark that was `process`."""
    logging.getLogger("theirs").warning("one\ntwo")
    (whole,) = kept.records
    for line in whole.getMessage().splitlines():
        part = logging.LogRecord("split", whole.levelno, whole.pathname, whole.lineno, line, (), None)
        part.process, part.thread, part.created = whole.process, whole.thread, whole.created
        ROOT.handle(part)
    assert [record["message"] for record in records()] == ["one\ntwo", "one", "two"]


def test_captured_records_keep_what_they_carry(kept: Kept) -> None:
    """And those of `logging` have a number that holds nothing besides: there is one for each record."""
    log()
    ours, _, theirs = kept.records
    assert JSONFormatter().format(ours).endswith('"order":7,"name":"n"}')
    number = theirs.relativeCreated
    assert not hasattr(number, "__dict__")
    assert not gc.is_tracked(number)
    assert sys.getsizeof(number) == sys.getsizeof(1.0)
    assert copy.copy(number) is copy.deepcopy(number) is number


def opentelemetry_exported() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """The attributes that the SDK's handler exports of each record."""
    pytest.importorskip("opentelemetry.sdk._logs")
    from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler, export

    memory = getattr(export, "InMemoryLogRecordExporter", None) or export.InMemoryLogExporter
    provider, exporter = LoggerProvider(), memory()
    provider.add_log_record_processor(export.SimpleLogRecordProcessor(exporter))
    ROOT.addHandler(LoggingHandler(logger_provider=provider))
    yield lambda: [
        {name: value for name, value in found.log_record.attributes.items() if not name.startswith("code.")}
        for found in exporter.get_finished_logs()
    ]
    provider.shutdown()


def formatted(formatter: logging.Formatter) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What a formatter writes of each record."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    ROOT.addHandler(handler)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def ecs_exported() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Elastic's format."""
    return formatted(pytest.importorskip("ecs_logging").StdlibFormatter())


def json_log_formatter_exported() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """JSON-log-formatter's, the verbose one too."""
    return formatted(pytest.importorskip("json_log_formatter").VerboseJSONFormatter())


def python_json_logger_exported() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """python-json-logger's."""
    return formatted(pytest.importorskip("pythonjsonlogger.json").JsonFormatter("%(process)d %(message)s"))


def structlog_exported() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """structlog's, of records of others."""
    structlog = pytest.importorskip("structlog")
    chain = [structlog.stdlib.ExtraAdder()]
    processors = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, structlog.processors.JSONRenderer()]
    return formatted(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=chain, processors=processors))


def http_exported() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What `HTTPHandler` sends, which is everything."""
    from urllib.parse import urlencode

    sent: list[str] = []

    class Sending(logging.handlers.HTTPHandler):
        def emit(self, record: logging.LogRecord) -> None:
            sent.append(urlencode(self.mapLogRecord(record)))

    ROOT.addHandler(Sending("127.0.0.1:1", "/"))
    yield lambda: [dict(parse_qs(text)) for text in sent]


EXPORTED = [
    opentelemetry_exported,
    ecs_exported,
    json_log_formatter_exported,
    python_json_logger_exported,
    structlog_exported,
    http_exported,
]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("exported", EXPORTED)
@pytest.mark.parametrize("unified", [True, False])
def test_exporters_of_others_export_nothing_of_ours(start: Start, exported: Any, unified: bool) -> None:
    """The real ones. Seen to fail for each of them but python-json-logger."""
    start(use_unified_logging=unified, console_format="off")
    making = exported()
    found = next(making)
    log()
    texts = [json.dumps(one, default=str) for one in found()]
    assert len(texts) == 3
    assert [text for text in texts if "unified_logger" in text] == []
    assert ['"order"' in text for text in texts] == [True, False, False]
    # The context is there once.
    assert ["".join(text).count('"user"') for text in texts][:2] == [1, 1]
    next(making, None)


COPIES: dict[str, Callable[[logging.LogRecord], logging.LogRecord]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "makeLogRecord": lambda record: logging.makeLogRecord(vars(record)),
    "QueueHandler": lambda record: logging.handlers.QueueHandler(queue.SimpleQueue[Any]()).prepare(record),
    "pickle": lambda record: pickle.loads(pickle.dumps(record)),
    "pickle 0": lambda record: pickle.loads(pickle.dumps(record, 0)),
    "socket": lambda record: logging.makeLogRecord(socket_dictionary(record)),
    "datagram": lambda record: logging.makeLogRecord(
        pickle.loads(logging.handlers.DatagramHandler("127.0.0.1", 1).makePickle(record)[4:])
    ),
}


def socket_dictionary(record: logging.LogRecord) -> dict[str, Any]:
    """What the other end of a `SocketHandler` reads."""
    found: dict[str, Any] = pickle.loads(logging.handlers.SocketHandler("127.0.0.1", 1).makePickle(record)[4:])
    return found


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
def test_a_copy_is_known_and_as_clean(
    kept: Kept, records: Records, copied: Callable[[logging.LogRecord], logging.LogRecord]
) -> None:
    """It is not written again, by whichever of our handlers; one of ours formats with its own context."""
    log()
    other = logging.getLogger("elsewhere")
    other.propagate = False
    other.addHandler(Handler())
    for record in tuple(kept.records):
        again = copied(record)
        if again.name == "ours" and again.levelno == logging.WARNING:
            line = json.loads(JSONFormatter().format(again))
            assert (line["trace_id"], line["user"], line["order"], line["name"]) == ("t", "u", 7, "n")
            assert list(line)[-2:] == ["order", "name"]
        other.handle(again)
        ROOT.handle(again)
        assert not [name for name in others(again) if name.startswith("_")]
    assert [record["message"] for record in records()] == ["ours 1", "ai", "theirs 1"]


def test_two_of_our_handlers_write_once(kept: Kept, records: Records) -> None:
    """On loggers in one line, and with one that does not propagate."""
    logging.getLogger("theirs").addHandler(Handler())
    logging.getLogger("ours").addHandler(Handler())
    log()
    for record in tuple(kept.records):
        Handler().handle(record)
    assert [record["message"] for record in records()] == ["ours 1", "ai", "theirs 1"]


def test_a_copy_that_a_filter_logs_is_a_record_of_its_own(kept: Kept, records: Records) -> None:
    """It was made before the record was captured, which is written as well. Seen to fail with one mark that both share and that changes."""
    audit = logging.getLogger("audit")

    def copying(record: logging.LogRecord) -> bool:
        other = copy.copy(record)
        other.msg, other.name = "copy", "audit"
        audit.handle(other)
        return True

    logging.getLogger("ours").addFilter(copying)
    get_logger("ours").warning("whole", order=1)
    assert [(record["message"], record["order"]) for record in records()] == [("copy", 1), ("whole", 1)]


class Derived(logging.LogRecord):
    """A class that a record factory brought."""


class Slotted(logging.LogRecord):
    """Has slots, and no weak references beyond those of its base."""

    __slots__ = ("own",)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.own = 5


class Reduced(logging.LogRecord):
    """Says itself how it is pickled."""

    def __reduce__(self) -> Any:
        return logging.makeLogRecord, (dict(vars(self)),)


@pytest.mark.parametrize("kind", [Derived, Slotted, Reduced])
def test_classes_of_others_are_copied_and_pickled_as_ever(kept: Kept, records: Records, kind: type[Any]) -> None:
    """With what is known of their records, unless they have a way of their own to be pickled: then it is that."""
    before = logging.getLogRecordFactory()
    logging.setLogRecordFactory(kind)
    try:
        log()
    finally:
        logging.setLogRecordFactory(before)
    for record in tuple(kept.records):
        assert type(record) is kind
        for made in (copy.copy(record), pickle.loads(pickle.dumps(record))):
            assert type(made) is (logging.LogRecord if kind is Reduced else kind)
            assert kind is not Slotted or made.own == 5
        ROOT.handle(copy.copy(record))
        if kind is not Reduced:
            ROOT.handle(pickle.loads(pickle.dumps(record)))
    assert [record["message"] for record in records()] == ["ours 1", "ai", "theirs 1"]


class Awkward(float):
    """A number that is none."""

    def __float__(self) -> float:
        raise ValueError


def test_a_record_without_numbers_is_written_once(kept: Kept, records: Records) -> None:
    """`logging` can be told to leave them out, and somebody may have made a record by hand."""
    given = (
        {},
        {"process": None},
        *({"relativeCreated": value} for value in (None, 7, True, 1 << 2000, "8", Awkward())),
    )
    for number, attributes in enumerate(given):
        record = logging.makeLogRecord({"msg": "m", "levelno": 30, **attributes})
        if number == 0:
            del record.relativeCreated
        for _ in range(2):
            Handler().handle(record)
        Handler().handle(copy.copy(record))
        assert not [name for name in others(record) if name.startswith("_")]
        assert isinstance(record.relativeCreated, float)
        assert attributes.get("relativeCreated") != 7 or record.relativeCreated == 7
    assert len(records()) == len(given)


def test_what_is_not_ours_is_pickled_as_ever() -> None:
    """A record that no handler of ours has seen."""
    record = logging.makeLogRecord({"msg": "m", "n": 1})
    state: Any = record.__reduce_ex__(4)[2]
    assert vars(pickle.loads(pickle.dumps(record))) == vars(copy.copy(record)) == state
    assert type(record.process) is int


# A pool of processes whose records come back through a queue, to a process that logs to the same files or to others.
POOL = """
import logging, logging.handlers, multiprocessing, sys
from unified_logger import LoggingContext, flush_logging, get_logger, init_logging

def work(queue, directory):
    init_logging(log_dir=directory, console_format="off")
    logging.getLogger().addHandler(logging.handlers.QueueHandler(queue))
    with LoggingContext(trace_id="t", span_id="s", tenant=1):
        logging.getLogger("theirs").warning("theirs %d", 1, extra={"n": 7})
        get_logger("ours").warning("ours %d", 2, order=8, name="n")
    flush_logging(10)

if __name__ == "__main__":
    own, there = sys.argv[1:]
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=work, args=(queue, there))
    process.start()
    init_logging(log_dir=own, console_format="off")
    class Clean(logging.Handler):
        def emit(self, record):
            print(sorted(name for name in vars(record) if "unified" in name))
    logging.getLogger().addHandler(Clean())
    for _ in range(2):
        record = queue.get(timeout=60)
        logging.getLogger(record.name).handle(record)
    process.join()
    flush_logging(10)
"""


@pytest.mark.parametrize("same", [True, False])
def test_through_a_queue_of_multiprocessing(run_python: Callable[..., Any], tmp_path: Any, same: bool) -> None:
    """Each record is once in the files of either process, with its fields and context."""
    file = tmp_path / "pool.py"
    file.write_text(POOL)
    done = run_python(POOL_MAIN, "own", "own" if same else "there")
    assert done.stdout.split() == ["[]", "[]"]
    for name in {"own", "own" if same else "there"}:
        found = [json.loads(line) for line in (tmp_path / name / "app.log").read_text().splitlines()]
        assert sorted(record["message"] for record in found) == ["ours 2", "theirs 1"]
        ours = next(record for record in found if record["logger"] == "ours")
        assert (ours["trace_id"], ours["span_id"], ours["tenant"], ours["order"], ours["name"]) == ("t", "s", 1, 8, "n")


# A file of its own, so that the process that is spawned can import it.
POOL_MAIN = """
import subprocess, sys
done = subprocess.run([sys.executable, "pool.py", *sys.argv[1:]], capture_output=True, text=True, timeout=90)
print(done.stdout)
sys.stderr.write(done.stderr)
sys.exit(done.returncode)
"""


def test_handlers_imported_later_are_told(run_python: Callable[..., Any]) -> None:
    """A `SocketHandler` that comes after the start sends along what is known, too."""
    done = run_python(
        """
import logging, pickle, sys
from unified_logger import get_logger, init_logging
init_logging(log_dir="logs", console_format="off")
logging.getLogger("theirs").warning("before")
assert "logging.handlers" not in sys.modules
import logging.handlers
class Shown(logging.Handler):
    def emit(self, record):
        sent = pickle.loads(logging.handlers.SocketHandler("127.0.0.1", 1).makePickle(record)[4:])
        print(type(sent["_unified_logger_captured"]).__name__)
logging.getLogger().addHandler(Shown())
logging.getLogger("theirs").warning("m")
get_logger("ours").warning("m")
"""
    )
    assert done.stdout.split() == ["str", "str"]


@pytest.fixture
def handlers() -> Iterator[Any]:
    """`logging.handlers`, whose class of handlers is put back after."""
    before = logging.handlers.SocketHandler
    yield logging.handlers
    importlib.reload(logging.handlers)
    logging.handlers.SocketHandler = before  # type: ignore[misc]


@pytest.mark.parametrize("class_of", [lambda: type("Stub", (), {}), lambda: object(), lambda: None, lambda: Fixed])
def test_a_stub_of_a_handler_costs_no_record(kept: Kept, records: Records, handlers: Any, class_of: Any) -> None:
    """It may lack what is wrapped, or not let it be. Seen to raise out of the call."""
    handlers.SocketHandler = class_of()
    log()
    assert [record["message"] for record in records()] == ["ours 1", "ai", "theirs 1"]


class Frozen(type):
    """Lets nothing be set."""

    def __setattr__(cls, name: str, value: object) -> None:
        raise TypeError


class Fixed(metaclass=Frozen):
    """A class of handlers that cannot be wrapped."""

    def makePickle(self, record: logging.LogRecord) -> bytes:
        raise AssertionError("nobody calls it")


def test_handlers_that_are_imported_again_are_told(kept: Kept, handlers: Any) -> None:
    """Each class once: it is the function that is known. Seen to send nothing along after a reload."""
    log()
    before, wrapped = handlers.SocketHandler, handlers.SocketHandler.makePickle
    importlib.reload(handlers)
    logging.getLogger("theirs").warning("again")
    assert "_unified_logger_captured" in socket_dictionary(kept.records[-1])
    handlers.SocketHandler = type("Stub", (), {})
    log()
    handlers.SocketHandler = before
    log()
    assert before.makePickle is wrapped
    assert "_unified_logger_fields" in socket_dictionary(kept.records[0])
