"""A logger of the style `{` merges arguments and fields into its messages by the rules of `str.format`, and loses nothing."""

from __future__ import annotations

import copy
import logging
import pickle
from collections.abc import Iterator
from typing import Any

import pytest
from kinds import Records, Run, Start

from unified_logger import (
    ConfigurationError,
    LoggingContext,
    UnifiedLogger,
    UnifiedLoggerFactory,
    _core,
    get_logger,
    get_stats,
)
from unified_logger.testing import capture_logs


@pytest.fixture(autouse=True)
def _style_of_before() -> Iterator[None]:
    yield
    _core.set_message_style("%")


@pytest.fixture
def braces(start: Start) -> UnifiedLogger:
    """A logger of this style."""
    start()
    return get_logger("app", style="{")


class User:
    """With an attribute and an item."""

    name = "Ada"

    def __getitem__(self, key: str) -> str:
        return key.upper()

    def __repr__(self) -> str:
        return "<user>"


class Broken:
    """Has no text."""

    def __str__(self) -> str:
        raise ValueError("no text")

    def __repr__(self) -> str:
        return "<broken>"


def merged(record: dict[str, Any], *names: str) -> dict[str, Any]:
    """What a record says of its message."""
    kept = ("message", "message_template", "$error", "$args", *names)
    return {name: record[name] for name in kept if name in record}


@pytest.mark.parametrize(
    ("template", "args", "fields", "message"),
    [
        ("order {order_id}", (), {"order_id": 7}, "order 7"),
        ("{} of {}", (1, 3), {}, "1 of 3"),
        ("{1} before {0}", ("a", "b"), {}, "b before a"),
        ("{user.name!r:>7}|{user[key]}|{total:>8.2f}", (), {"user": User(), "total": 99.5}, "  'Ada'|KEY|   99.50"),
        ("{x:{width}}|", (), {"x": 1, "width": 4}, "   1|"),
        ("{0[a]} {b}", ({"a": 1},), {"b": "键"}, "1 键"),
        ("{{}} {n}", (), {"n": 1}, "{} 1"),
        ("{fields.level}", (), {"fields": type("F", (), {"level": 3})}, "3"),
        ("{msg} {level}", (), {"msg": "m", "level": 2}, "m 2"),
    ],
)
def test_messages_are_merged_and_fields_stay_fields(
    braces: UnifiedLogger,
    records: Records,
    template: str,
    args: tuple[object, ...],
    fields: dict[str, Any],
    message: str,
) -> None:
    """At the first call from a call site, at later calls, for listeners, and with an exception; the template is kept."""
    for _ in range(3):
        braces.info(template, *args, **fields)
    braces.info(template, *args, exc_info=ValueError("v"), **fields)
    logging.getLogger("app").addHandler(logging.NullHandler())
    braces.info(template, *args, **fields)
    found = records()
    assert [merged(record) for record in found] == [{"message": message, "message_template": template}] * 5
    assert all(fields.keys() - {"level"} <= record.keys() for record in found)


def test_the_template_is_the_same_for_all_records_of_a_call_site(braces: UnifiedLogger, records: Records) -> None:
    """So that records can be counted by it."""
    for number in range(3):
        braces.info("order {number}", number=number)
    found = records()
    assert [record["message"] for record in found] == ["order 0", "order 1", "order 2"]
    assert {record["message_template"] for record in found} == {"order {number}"}
    assert len({record["line"] for record in found}) == 1


def test_a_message_without_braces_or_values_stays_as_it_is(braces: UnifiedLogger, records: Records) -> None:
    """It is its own template."""
    for _ in range(2):
        braces.info("100 % done", order=7)
        braces.info('{"a": {}}')
        braces.info(User(), order=7)
    assert [merged(record) for record in records()] == [
        {"message": "100 % done"},
        {"message": '{"a": {}}'},
        {"message": "<user>"},
    ] * 2


@pytest.mark.parametrize(
    ("template", "args", "fields", "notes"),
    [
        ("{order}", (), {"order_id": 7}, {"$error": "KeyError: 'order'"}),
        ("{} {}", (1,), {}, {"$args": "(1,)"}),
        ("{", (), {"n": 1}, {"$error": "ValueError: Single '{' encountered in format string"}),
        ("{n:d}", (), {"n": "x"}, {"$error": "ValueError: Unknown format code 'd' for object of type 'str'"}),
        ("{n.real.nothing}", (), {"n": 1}, {"$error": "AttributeError: 'int' object has no attribute 'nothing'"}),
        ("{x}", (), {"x": Broken()}, {"$error": "ValueError: no text"}),
        ("{} {y}", (Broken(),), {"y": 1}, {"$error": "ValueError: no text", "$args": "(<Broken object>,)"}),
        ("order %s", (7,), {}, {"$error": "TypeError: not all arguments are used in the message", "$args": "(7,)"}),
    ],
)
def test_a_message_that_does_not_fit_loses_nothing(
    braces: UnifiedLogger,
    records: Records,
    template: str,
    args: tuple[object, ...],
    fields: dict[str, Any],
    notes: dict[str, str],
) -> None:
    """And raises nothing: it stays as it is, beside the reason and the arguments."""
    malformed = get_stats()["malformed"]
    for _ in range(2):
        braces.info(template, *args, **fields)
    logging.getLogger("app").addHandler(logging.NullHandler())
    braces.info(template, *args, **fields)
    found = [merged(record, *fields) for record in records()]
    assert found[0] == found[1] == found[2]
    assert found[0]["message"] == template
    assert found[0].items() >= notes.items()
    assert "message_template" not in found[0]
    assert fields.keys() <= found[0].keys()
    assert get_stats()["malformed"] - malformed >= 3


def test_an_argument_that_the_message_leaves_out_is_kept(braces: UnifiedLogger, records: Records) -> None:
    """`str.format` drops it in silence."""
    braces.info("{0} of {0:{2}}", 1, 5, 3)
    [record] = records()
    assert merged(record) == {
        "message": "1 of   1",
        "message_template": "{0} of {0:{2}}",
        "$error": "TypeError: not all arguments are used in the message",
        "$args": "(1, 5, 3)",
    }


def test_a_message_from_outside_does_not_reach_the_program(braces: UnifiedLogger, records: Records) -> None:
    """Fails without the check of attributes: `__init__.__globals__` leads to every secret of the user's module."""
    attack = "{user.__init__.__globals__} {user.__class__!r} {0:{1.__class__}}"
    for _ in range(2):
        braces.info(attack, 1, 2, user=User())
    assert [merged(record) for record in records()] == [
        {
            "message": attack,
            "$error": "AttributeError: a message takes no attributes whose names begin with two underscores",
            "$args": "(1, 2)",
        }
    ] * 2


def test_values_are_asked_during_the_call(braces: UnifiedLogger, records: Records) -> None:
    """What changes later was not logged."""
    items = [1]
    braces.info("{items}", items=items)
    items.append(2)
    [record] = records()
    assert (record["message"], record["items"]) == ("[1]", [1])


def test_a_value_that_logs_itself_comes_to_an_end(braces: UnifiedLogger, records: Records) -> None:
    """As an argument of `%` does."""

    class Chatty:
        def __str__(self) -> str:
            braces.info("asked {me}", me=self)
            return "chatty"

        __repr__ = __str__

    braces.info("hello {me}", me=Chatty())
    found = records()
    assert found[-1]["message"] == "hello chatty"
    assert len(found) < 200


def test_bound_fields_are_merged_too(braces: UnifiedLogger, records: Records) -> None:
    """A field of the call wins, as in the record; a context's field is not there."""
    bound = braces.bind(user="u-1", step=1)
    for _ in range(2):
        bound.info("{user} {step}")
        bound.unbind("step").info("{user} {step}", step=2)
        bound.info("{step}", step=3)
    with LoggingContext(tenant="acme"):
        bound.info("{tenant}")
    found = [record["message"] for record in records()]
    assert found == ["u-1 1", "u-1 2", "3"] * 2 + ["{tenant}"]


def test_a_logger_of_a_style_is_one_of_its_own(start: Start, records: Records) -> None:
    """Each style has one; copies, pickles, children and bound loggers keep it."""
    start()
    name = "style.app"
    styled, plain, percent = get_logger(name, style="{"), get_logger(name), get_logger(name, style="%")
    assert (styled.style, plain.style, percent.style) == ("{", None, "%")
    assert styled is get_logger(name, "{") is UnifiedLoggerFactory().get_logger(name, "{")
    assert len({styled, plain, percent}) == 3
    assert styled.logger is plain.logger
    for one in (styled, plain, percent):
        assert pickle.loads(pickle.dumps(one)) is one is copy.deepcopy(one)
        assert one.getChild("x") is get_logger(f"{name}.x", one.style)
        bound = one.bind(a=1)
        assert (bound.style, bound.unbind() is one) == (one.style, True)
        assert pickle.loads(pickle.dumps(bound)).style == one.style
    assert get_logger(style="{") is get_logger("", "{") is get_logger("root", "{")
    for one in (styled, plain, percent, styled.bind(a=1), plain.bind(a=1)):
        one.info("{n}", n=1)
    assert [record["message"] for record in records()] == ["1", "{n}", "{n}", "1", "{n}"]


def test_a_style_for_all_loggers(start: Start, records: Records) -> None:
    """Also for those that were made and used before, bound ones and their kept methods too, but not those with `%`."""
    start()
    before, percent = get_logger("app"), get_logger("app", style="%")
    bound = before.bind(a=1)
    loggers = (before.info, bound.info, percent.info, percent.bind(a=1).info, get_logger("later").info)

    def log() -> list[str]:
        seen = len(records())
        for info in loggers:
            info("{n}", n=1)
        logging.getLogger("other").warning("{} %s", 1)
        return [record["message"] for record in records()[seen:]]

    assert log() == ["{n}"] * 5 + ["{} 1"]
    start(message_style="{")
    assert log() == log() == ["1", "1", "{n}", "{n}", "1", "{} 1"]
    start()
    assert log() == ["{n}"] * 5 + ["{} 1"]


def test_the_environment_and_a_file_give_the_style(run_python: Run) -> None:
    """And the library's own records stay as they are."""
    program = """
import pathlib
from unified_logger import *
pathlib.Path("log.yaml").write_text('message_style: "{"')
init_logging_from_config("log.yaml", log_dir="logs", console_format="json") if FILE else init_logging(log_dir="logs", console_format="json")
get_logger("app").info("n is {n}", n=1)
set_level("a{b}", "DEBUG")
"""
    for file, environment in ((True, {}), (False, {"UNIFIED_LOGGER_MESSAGE_STYLE": "{"})):
        said = run_python(program.replace("FILE", str(file)), **environment).stderr
        assert '"message":"n is 1"' in said
        assert "$error" not in said
        assert "a{b}" in said


@pytest.mark.parametrize("style", ["$", "", "{}", 7])
def test_a_style_that_does_not_exist_is_refused(start: Start, style: Any) -> None:
    """For a logger and for all."""
    with pytest.raises((ValueError, TypeError)):
        get_logger("refused", style=style)
    with pytest.raises(ConfigurationError, match="message_style"):
        start(message_style=style)


def test_handlers_of_others_get_the_merged_message(braces: UnifiedLogger) -> None:
    """They know only `%`; the template is an attribute. Tests of applications see the same."""
    with capture_logs() as captured:
        braces.info("order {n} {}", "x", n=7)
        braces.info("{m}", n=7)
    assert captured.messages == ["order 7 x", "{m}"]
    assert (captured[0]["n"], captured[0]["message_template"]) == (7, "order {n} {}")
    assert captured[1]["$error"] == "KeyError: 'm'"
    seen: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = seen.append  # type: ignore[method-assign]
    logging.getLogger("app").addHandler(handler)
    braces.info("order {n} {}", "x", n=7)
    [record] = seen
    assert (record.getMessage(), record.args) == ("order 7 x", ())
    assert vars(record)["message_template"] == "order {n} {}"


def test_ai_records_have_the_style_too(braces: UnifiedLogger, records: Records) -> None:
    """With the fields that the caller has named."""
    braces.ai("answered {user}", model="small-1", user="u-1")
    [record] = records("ai_responses.log")
    assert record["message"] == "answered u-1"


def test_processors_see_the_merged_message(start: Start, records: Records) -> None:
    """And the template as a field. A message that one of them changes is not merged again."""
    seen: list[dict[str, Any]] = []

    def process(record: dict[str, Any]) -> None:
        seen.append(dict(record))
        if "change" in record:
            record["message"] = "{changed}"

    start(processors=[process])
    log = get_logger("app", style="{")
    for _ in range(2):
        log.info("order {n} {}", "x", n=7)
        log.info("order {n}", n=7, change=True)
        log.info("{missing}", n=7)
        log.info("plain", n=7)
    found = [merged(record) for record in records()]
    assert (
        found
        == [
            {"message": "order 7 x", "message_template": "order {n} {}"},
            {"message": "{changed}", "message_template": "order {n}"},
            {"message": "{missing}", "$error": "KeyError: 'missing'"},
            {"message": "plain"},
        ]
        * 2
    )
    assert [record["message"] for record in seen[:4]] == ["order 7 x", "order 7", "{missing}", "plain"]
    assert seen[0]["message_template"] == "order {n} {}"


@pytest.mark.parametrize("when", ["early", "off"])
def test_other_ways_merge_the_same(run_python: Run, when: str) -> None:
    """Before the start, and where handlers of `logging` do the work."""
    done = run_python(
        f"""
from unified_logger import *
log = get_logger("app", "{{")
if {when == "early"}:
    log.info("n is {{n}}", n=1)
init_logging(log_dir="logs", console_format="json", use_unified_logging={when != "off"})
log.info("n is {{n}}", n=1)
log.info("n is {{m}}", n=1)
flush_logging()
print(open("logs/app.log").read())
"""
    )
    assert done.stdout.count('"n is 1"') == 1 + (when == "early")
    assert done.stdout.count('"message_template"') == 1 + (when == "early")
    assert """"$error":"KeyError: 'm'\"""" in done.stdout.replace('": "', '":"')


def test_a_process_that_is_killed_leaves_merged_messages(run_python: Run, log_dir: Any) -> None:
    """The black box has the record as it was captured."""
    run_python(
        """
import fcntl, os, signal
from unified_logger import *
init_logging(log_dir="logs", console_format="off")
log = get_logger("app", "{")
log.info("{n}", n=0)
assert flush_logging(60)
lock = open("logs/.unified_logger.lock", "r+")
fcntl.flock(lock, fcntl.LOCK_EX)
log.info("{n}", n=0)
os.kill(os.getpid(), signal.SIGKILL)
""",
        check=False,
    )
    run_python("from unified_logger import *\ninit_logging(log_dir='logs', console_format='off')\nflush_logging(60)")
    lines = (log_dir / "app.log").read_text().splitlines()
    assert sum('"message":"0"' in line and '"message_template":"{n}"' in line for line in lines) == 2
