"""A message in braces takes values by their names, and no secret with them."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from kinds import Records, Run, Start

from unified_logger import get_logger, get_stats


class User:
    """With a secret attribute."""

    password = "hunter2"
    is_admin = True

    def __repr__(self) -> str:
        return "User()"


@pytest.mark.parametrize("listened", [False, True])
def test_values_under_secret_names_are_replaced(start: Start, records: Records, listened: bool) -> None:
    """Of fields, bound fields, attributes and items; handlers of others get the same."""
    start(redaction=True)
    seen: list[logging.LogRecord] = []
    if listened:
        handler = logging.Handler()
        handler.emit = seen.append  # type: ignore[method-assign]
        logging.getLogger("app").addHandler(handler)
    log = get_logger("app", style="{").bind(api_key="hunter2")
    before = get_stats()["redacted"]
    for _ in range(2):
        log.info(
            "{name} {password} {api_key!r:>20} {user.password} {0[Authorization]} {{}}",
            {"Authorization": "hunter2"},
            name="Ada",
            password="hunter2",
            user=User(),
        )
        log.info("{password} {token}", password=None, token=True)
        log.info("{password} {missing}", password="hunter2")
    # A handler of others is told of once.
    found = [record for record in records() if record["logger"] == "app"]
    assert [record["message"] for record in found] == [
        "Ada [REDACTED] [REDACTED] [REDACTED] [REDACTED] {}",
        "None True",
        "{password} {missing}",
    ] * 2
    assert "hunter2" not in str(found)
    assert all("hunter2" not in record.getMessage() for record in seen)
    assert len(seen) == (6 if listened else 0)
    assert get_stats()["redacted"] > before


def test_a_mask_or_hash_is_no_format(start: Start, records: Records) -> None:
    """Whatever the secret has in it."""
    start(redaction={"action": "mask"})
    get_logger("app", style="{").info("{password} {n}", password="a secret with {n} and }", n=1)
    [record] = records()
    assert record["message"].endswith(" 1")
    assert record["message"].startswith("****")


def test_before_the_start_known_secrets_are_not_merged(run_python: Run) -> None:
    """The rules are not known yet. The field has the value, for programs without redaction."""
    for redaction, shown in ((True, '"password":"[REDACTED]"'), (False, '"password":"hunter2"')):
        done = run_python(
            f"""
from unified_logger import *
log = get_logger("app", "{{")
for _ in range(2):
    log.info("login {{user}} {{password!r}}", user="Ada", password="hunter" + "2")
init_logging(log_dir="logs", console_format="json", redaction={redaction})
log.info("login {{user}} {{password!r}}", user="Ada", password="hunter" + "2")
"""
        )
        lines: Any = done.stderr.splitlines()
        assert all('"message":"login Ada {password!r}"' in line and shown in line for line in lines[:2])
        assert ("hunter2" in done.stderr) == (not redaction)
