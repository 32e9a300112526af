"""Records of `get_logger` have no secrets for handlers of others, and it is told where records of `logging` have them."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from kinds import Records

from unified_logger import JSONFormatter, LoggingContext, get_logger


class Collector(logging.Handler):
    """Keeps the records that it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def given(start: Callable[..., Any], root: logging.Logger) -> Collector:
    """A handler on the root logger of a process with redaction."""
    start(redaction={"actions": {"email": "hash"}}, redaction_hash_key="0123456789abcdef", console_format="off")
    handler = Collector()
    root.addHandler(handler)
    return handler


def test_message_fields_and_context(given: Collector, records: Records) -> None:
    """Secrets are replaced as in the files. Other values are the very same objects."""
    items = [1, 2]
    with LoggingContext(tenant_token="t-12345678"):
        get_logger("shop").warning(
            "login of %s", "bob@example.com", password="hunter2", items=items, request={"headers": {"X-Api-Key": "k"}}
        )
    (record,) = given.records
    (written,) = (record for record in records() if record["logger"] == "shop")
    attributes: Any = record
    assert record.getMessage() == written["message"]
    assert "bob@example.com" not in record.getMessage()
    assert attributes.password == written["password"] == "[REDACTED]"
    assert attributes.tenant_token == written["tenant_token"] == "[REDACTED]"
    assert attributes.request == written["request"] == {"headers": {"X-Api-Key": "[REDACTED]"}}
    assert attributes.items is items


def test_a_record_without_secrets_is_not_changed(given: Collector) -> None:
    """Message and arguments stay apart, since trackers group records by the message."""
    get_logger("shop").warning("paid %d", 7, order={"a": 1})
    (record,) = given.records
    assert (record.msg, record.args) == ("paid %d", (7,))


def test_arguments_by_name(given: Collector) -> None:
    """They are replaced where the message is merged, so the rest of the record may have no secret."""
    get_logger("shop").warning("login with %(password)s", {"password": "hunter2"})
    get_logger("shop").warning("order %(id)d", {"id": 7})
    first, second = given.records
    assert (first.getMessage(), first.args) == ("login with [REDACTED]", ())
    assert (second.msg, second.args) == ("order %(id)d", {"id": 7})


def test_the_text_of_an_exception(given: Collector) -> None:
    """The formatters of `logging` show it without secrets. The exception is the program's object."""
    try:
        raise ValueError("password=hunter2-hunter2")
    except ValueError as error:
        get_logger("shop").exception("failed")
        raised = error
    (record,) = given.records
    assert record.exc_info is not None
    assert record.exc_info[1] is raised
    shown = logging.Formatter().format(record)
    assert "hunter2" not in shown
    assert "ValueError: password=[REDACTED]" in shown


def test_files_have_hashes_of_the_secrets_themselves(given: Collector, records: Records) -> None:
    """And a formatter does not replace them a second time: the line is the same."""
    given.setFormatter(JSONFormatter())
    get_logger("shop").warning("of bob@example.com", mail="bob@example.com")
    line = json.loads(given.format(given.records[0]))
    (written,) = (record for record in records() if record["logger"] == "shop")
    assert (line["message"], line["mail"]) == (written["message"], written["mail"])
    assert written["mail"].startswith("[HASH:")
    assert "bob" not in line["message"]


def test_json_formatter_has_the_redaction_of_the_start(start: Callable[..., Any], root: logging.Logger) -> None:
    """Also for records of `logging`, and from the next start on. None turns it off."""
    formatter, off = JSONFormatter(), JSONFormatter(redaction=None)
    start(redaction=True, console_format="off")
    record = logging.makeLogRecord({"msg": "m", "password": "hunter2"})
    assert json.loads(formatter.format(record))["password"] == "[REDACTED]"
    assert json.loads(off.format(record))["password"] == "hunter2"
    start(redaction=False, console_format="off")
    assert json.loads(formatter.format(record))["password"] == "hunter2"


def told(records: Records) -> list[str]:
    return [record["message"] for record in records() if record["logger"] == "unified_logger"]


def test_a_handler_that_is_there_at_the_start_is_told_of(
    start: Callable[..., Any], root: logging.Logger, records: Records
) -> None:
    """Once, with its class: `logging` itself gives it records with their secrets."""
    root.addHandler(Collector())
    start(redaction=True, console_format="off")
    get_logger("shop").warning("x")
    get_logger("shop").warning("y")
    (notice,) = told(records)
    assert notice.startswith("redaction does not cover what logging itself gives to other handlers")
    assert f"{__name__}.Collector" in notice


def test_a_handler_that_comes_later_is_told_of_when_it_is_seen(given: Collector, records: Records) -> None:
    """With the first record of `get_logger` that it is given."""
    assert told(records) == []
    get_logger("shop").warning("x")
    assert len(told(records)) == 1


def test_a_handler_that_redacts_itself_is_not_told_of(
    start: Callable[..., Any], root: logging.Logger, records: Records
) -> None:
    """By this library's formatter. One that writes nothing neither."""
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(JSONFormatter())
    root.addHandler(handler)
    root.addHandler(logging.NullHandler())
    start(redaction=True, console_format="off")
    get_logger("shop").warning("x")
    assert told(records) == []


def test_without_redaction_nothing_is_told_and_nothing_replaced(
    start: Callable[..., Any], root: logging.Logger, records: Records
) -> None:
    """Records are as they were."""
    handler = Collector()
    root.addHandler(handler)
    start(console_format="off")
    get_logger("shop").warning("password=%s", "hunter2")
    assert handler.records[0].args == ("hunter2",)
    assert told(records) == []
