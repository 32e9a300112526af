"""Sentry's SDK costs a call little, and its events have the breadcrumbs that it would make of every record."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("sentry_sdk")

BEGIN = """
import json, logging, sys
import sentry_sdk
from sentry_sdk.integrations.logging import LoggingIntegration, ignore_logger
from sentry_sdk.transport import Transport
from unified_logger import LoggingContext, get_logger, get_stats, init_logging
from unified_logger.stdlib import listeners

made = []
make = listeners.make_record
listeners.make_record = lambda target, level, message, *args: (made.append(message), make(target, level, message, *args))[1]

class Shown(Transport):
    def capture_envelope(self, envelope):
        for item in envelope.items:
            if item.type == "event":
                event = item.payload.json
                crumbs = event.get("breadcrumbs", {}).get("values", [])
                print(json.dumps([event.get("message") or event["logentry"]["message"], [
                    [crumb["type"], crumb.get("level"), crumb["category"], crumb["message"], crumb.get("data")] for crumb in crumbs
                ]]))

def sentry(level=logging.INFO, **options):
    options.setdefault("dsn", "http://x@127.0.0.1:9/1")
    integrations = [LoggingIntegration(level=level, event_level=logging.ERROR)]
    sentry_sdk.init(transport=Shown, integrations=integrations, **options)

init_logging(log_dir="logs", console_format="off")
log, std = get_logger("shop"), logging.getLogger("theirs")
"""
CALLS = """
log.debug("below the level")
log.info("paid %s", "order", order=7, items=["a", "b"], tenant="t")
std.warning("slow answer of %s", "db", extra={"ms": 840})
sentry_sdk.add_breadcrumb(type="http", category="client", message="GET /")
with LoggingContext(trace_id="ab" * 16, span_id="cd" * 8, tenant="t"):
    log.info("within")
with sentry_sdk.isolation_scope():
    log.info("in a scope of its own")
    sentry_sdk.capture_message("inner")
log.log(25, "between")
log.ai("answered", model="m")
std.error("an event itself")
ignore_logger("quiet.*" if sentry_sdk.VERSION >= "2.1" else "quiet.one")
get_logger("quiet.one").info("ignored")
sentry_sdk.capture_message("outer")
sentry_sdk.get_isolation_scope().clear_breadcrumbs()
log.info("after clearing")
sentry_sdk.capture_message("last")
"""


def events(run_python: Callable[..., Any], program: str) -> list[Any]:
    shown = run_python(BEGIN + program)
    return [json.loads(line) for line in shown.stdout.splitlines()]


def test_breadcrumbs_are_those_that_the_sdk_makes_itself(run_python: Callable[..., Any]) -> None:
    """With a function that sees each breadcrumb, the SDK must make them at once. Without it they are made later, and are equal."""
    at_once = events(run_python, "sentry(before_breadcrumb=lambda crumb, hint: crumb)\n" + CALLS)
    later = events(run_python, "sentry()\n" + CALLS)
    assert later == at_once
    assert [message for message, _ in later] == ["inner", "an event itself", "outer", "last"]
    assert [crumb[3] for crumb in later[2][1]] == [
        *("paid order", "slow answer of db", "GET /", "within", "between", "answered", "an event itself")
    ]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ('dsn=""', ""),
        ("", "failed"),
        ("level=None", "failed"),
        ("before_breadcrumb=lambda crumb, hint: crumb", "info failed"),
        ("dsn='', before_send=lambda event, hint: None", "failed"),
    ],
    ids=["no dsn", "defaults", "no breadcrumbs", "a function that sees them", "a function that sees events"],
)
def test_only_calls_that_the_sdk_must_see_make_a_log_record(
    run_python: Callable[..., Any], options: str, expected: str
) -> None:
    """None while nothing is sent, and otherwise those of events."""
    program = f"sentry({options})\nlog.info('info')\nlog.error('failed')\nprint(json.dumps(made))"
    assert events(run_python, program)[-1] == expected.split()


def test_a_client_that_comes_later_is_noticed(run_python: Callable[..., Any]) -> None:
    """And one that is closed."""
    program = """
log.error("one")
sentry_sdk.init()
log.error("two")
sentry()
log.error("three")
sentry_sdk.get_client().close()
log.error("four")
print(json.dumps(made))
"""
    assert events(run_python, program)[-1] == ["three"]


def test_a_changed_level_of_its_handlers_is_noticed(run_python: Callable[..., Any]) -> None:
    """From the next call on."""
    program = """
sentry()
log.info("one")
sentry_sdk.get_client().integrations["logging"]._breadcrumb_handler.setLevel("WARNING")
log.info("two")
log.warning("three")
sentry_sdk.capture_message("event")
"""
    assert [crumb[3] for crumb in events(run_python, program)[-1][1]] == ["one", "three"]


def test_no_more_breadcrumbs_than_the_application_wants(run_python: Callable[..., Any]) -> None:
    """The last ones."""
    program = """
sentry(max_breadcrumbs=3)
for number in range(10):
    log.info("record %d", number)
sentry_sdk.add_breadcrumb(category="x", message="its own")
log.info("record 10")
sentry_sdk.capture_message("event")
"""
    assert [crumb[3] for crumb in events(run_python, program)[-1][1]] == ["record 9", "its own", "record 10"]


def test_breadcrumbs_and_events_have_no_secrets(run_python: Callable[..., Any]) -> None:
    """With redaction, whichever way they go."""
    program = """
init_logging(log_dir="logs", console_format="off", redaction=True)
sentry()
log.info("login of %s", "bob@example.com", db_password="hunter2")
std.info("token=%s", "abcdefgh12345678")
log.error("failed for %s", "bob@example.com", api_key="k-1234567890", order=7)
"""
    ((message, crumbs),) = events(run_python, program)
    assert message == "failed for [REDACTED:email]"
    assert crumbs[0][3:] == ["login of [REDACTED:email]", {"db_password": "[REDACTED]"}]
    assert crumbs[1][3] == "token=[REDACTED]"


def test_threads_and_forked_children_have_their_own(run_python: Callable[..., Any]) -> None:
    """A child has those of its parent, and the parent none of the child's."""
    program = """
import os, threading
sentry()
log.info("before")
child = os.fork()
if not child:
    log.info("in the child")
    sentry_sdk.capture_message("of the child")
    sys.stdout.flush()
    os._exit(0)
os.waitpid(child, 0)
log.info("in the parent")
sentry_sdk.capture_message("of the parent")
"""
    child, parent = events(run_python, program)
    assert [crumb[3] for crumb in child[1]] == ["before", "in the child"]
    assert [crumb[3] for crumb in parent[1]] == ["before", "in the parent"]


def test_the_statistics_say_what_goes_to_the_sdk(run_python: Callable[..., Any]) -> None:
    """Which levels of loggers of `logging` are native."""
    program = "sentry()\nprint(json.dumps(get_stats()['native_stdlib']))"
    assert events(run_python, program) == [
        "on: below ERROR; sentry_sdk.integrations.logging has replaced Logger.callHandlers"
    ]


def test_large_records_take_the_place_of_the_oldest(run_python: Callable[..., Any]) -> None:
    """A scope keeps 1 MiB, so breadcrumbs of requests that log much do not fill the memory."""
    program = """
sentry(max_breadcrumbs=1_000)
for number in range(8):
    log.info(f"large {number}", parts=["x" * 15_000 for _ in range(16)])
log.info("last")
sentry_sdk.capture_message("one")
for number in range(2_000):
    log.info(f"small {number}")
sentry_sdk.capture_message("two")
"""
    (_, few), (_, many) = events(run_python, program)
    assert [crumb[3] for crumb in few] == [*(f"large {number}" for number in range(4, 8)), "last"]
    assert [crumb[3] for crumb in many] == [f"small {number}" for number in range(1_000, 2_000)]
