"""Rules are options like others: given by the program, the environment or a file, and refused with key, value and what is allowed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from kinds import Records

from unified_logger import ConfigurationError, get_logger, get_stats, init_logging_from_config, load_config
from unified_logger.config import resolve

KEY = "0123456789abcdef"


def redacts(arguments: Mapping[str, object], file: Mapping[str, Any] | None = None, **environ: str) -> str | None:
    """What becomes of a text that some rules find; None where nothing is redacted."""
    rules = resolve(arguments, file=file, environ=environ).redaction
    return None if rules is None else rules.text("a@b.example EMP-1")


FILE = {"redaction": {"custom": {"employee": "EMP-[0-9]"}}}
ALL = "[REDACTED:email] EMP-1"
BOTH = "[REDACTED:email] [REDACTED:employee]"


@pytest.mark.parametrize(
    ("arguments", "file", "environ", "expected"),
    [
        ({}, None, {}, None),
        ({"redaction": False}, None, {}, None),
        ({"redaction": True}, None, {}, ALL),
        ({"redaction": {}}, None, {}, ALL),
        ({"redaction": {"enabled": False}}, None, {}, None),
        ({"redaction": {"keep_patterns": ["email"]}}, None, {}, "a@b.example EMP-1"),
        ({"redaction": {"patterns": ["email"], "action": "mask"}}, None, {}, "**** EMP-1"),
        ({}, None, {"UNIFIED_LOGGER_REDACTION": "true"}, ALL),
        ({}, None, {"UNIFIED_LOGGER_REDACTION": "false"}, None),
        ({}, FILE, {}, BOTH),
        ({}, {"redaction": True}, {}, ALL),
        ({}, FILE, {"UNIFIED_LOGGER_REDACTION": "false"}, None),
        ({"redaction": False}, FILE, {"UNIFIED_LOGGER_REDACTION": "true"}, None),
        ({"redaction": {"patterns": []}}, FILE, {}, "a@b.example EMP-1"),
        # A source that only says yes leaves the rules to the one below.
        ({}, {"redaction": {**FILE["redaction"], "enabled": False}}, {"UNIFIED_LOGGER_REDACTION": "true"}, BOTH),
        ({"redaction": True}, FILE, {"UNIFIED_LOGGER_REDACTION": "false"}, BOTH),
    ],
)
def test_what_stands_higher_wins(
    arguments: dict[str, Any], file: dict[str, Any] | None, environ: dict[str, str], expected: str | None
) -> None:
    """Argument over environment over file, off by default; a mapping has the rules, true and false switch them."""
    assert redacts(arguments, file, **environ) == expected


def test_the_key_of_hashes_is_an_option_of_its_own() -> None:
    """From the environment or the program; the hash is that of HMAC-SHA256."""
    import hashlib
    import hmac

    digest = hmac.new(KEY.encode(), b"a@b.example", hashlib.sha256).hexdigest()[:16]
    rules = {"redaction": {"action": "hash"}}
    expected = f"[HASH:{digest}] EMP-1"
    assert redacts(rules, UNIFIED_LOGGER_REDACTION_HASH_KEY=KEY) == expected
    assert redacts({**rules, "redaction_hash_key": KEY}) == expected


WRONG = [
    ({"redaction": "yes"}, "redaction", "true, false, or a mapping", None),
    ({"redaction": {"key": ["x"]}}, "redaction.key", "one of the known keys", "keys"),
    ({"redaction": {"keys": "x"}}, "redaction.keys", "a list of names", None),
    ({"redaction": {"keys": [""]}}, "redaction.keys", "a list of names", None),
    ({"redaction": {"patterns": ["emial"]}}, "redaction.patterns", "a list of private_key, jwt, ", "email"),
    ({"redaction": {"custom": {"x": "a("}}}, "redaction.custom.x", "a regular expression (unclosed group)", None),
    ({"redaction": {"custom": {"x": r"(?=a)"}}}, "redaction.custom.x", "look-around", None),
    ({"redaction": {"custom": {"x": r"(?:\pL{1000}){1000}"}}}, "redaction.custom.x", "at most 4 MiB", None),
    ({"redaction": {"custom": {"email": "a"}}}, "redaction.custom.email", "a name that no other pattern has", None),
    ({"redaction": {"custom": {"x": 1}}}, "redaction.custom.x", "a regular expression", None),
    ({"redaction": {"action": "hide"}}, "redaction.action", "one of replace, hash, mask", None),
    ({"redaction": {"action": "hash"}}, "redaction.action", "redaction_hash_key", None),
    ({"redaction": {"actions": {"card": "hash"}}}, "redaction.actions.card", "redaction_hash_key", None),
    ({"redaction": {"actions": {"emial": "mask"}}}, "redaction.actions.emial", "a pattern that is looked for", "email"),
    ({"redaction": {"keys": ["x" * 20_000]}}, "redaction", "at most 16384 bytes", None),
]


@pytest.mark.parametrize(("given", "key", "allowed", "suggestion"), WRONG, ids=[str(given)[:60] for given, *_ in WRONG])
@pytest.mark.parametrize("source", ["argument", "file"])
def test_what_is_wrong_is_named(
    given: dict[str, Any], key: str, allowed: str, suggestion: str | None, source: str
) -> None:
    """Down to the leaves, whether a program or a file says it."""
    argument, file = (given, None) if source == "argument" else ({}, given)
    with pytest.raises(ConfigurationError) as caught:
        resolve(argument, file=file, file_path="logging.yaml", environ={})
    error = caught.value
    assert error.source == ("argument" if source == "argument" else "logging.yaml")
    assert error.key == key
    assert allowed in error.allowed or (source == "file" and key == "redaction" and "a mapping" in error.allowed)
    assert error.suggestion == suggestion


def test_what_is_wrong_in_a_file_has_its_line(tmp_path: Path) -> None:
    """An expression that is none is refused as the file is read."""
    path = tmp_path / "logging.yaml"
    path.write_text("redaction:\n  keys: [iban]\n  custom:\n    employee: 'EMP-('\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="unclosed group") as caught:
        load_config(path)
    assert (caught.value.line, caught.value.key) == (4, "redaction.custom.employee")


@pytest.mark.parametrize(
    "given",
    [
        {"redaction_hash_key": KEY[:12]},
        {"redaction_hash_key": 7},
        {"redaction_hashkey": KEY},
        {"redaction": {"hash_key": KEY}},
    ],
)
def test_a_key_that_is_refused_is_not_shown(given: dict[str, Any]) -> None:
    """Neither by the message nor by the error's value."""
    with pytest.raises(ConfigurationError) as caught:
        resolve(given, environ={})
    assert KEY[:12] not in str(caught.value)
    assert KEY[:12] not in repr(caught.value.value)


def test_a_misspelt_variable_does_not_show_the_key() -> None:
    """It is an error that names the variable and the nearest one."""
    with pytest.raises(ConfigurationError, match="UNIFIED_LOGGER_REDACTION_HASH_KEY") as caught:
        resolve({}, environ={"UNIFIED_LOGGER_REDACTION_HASHKEY": KEY})
    assert KEY not in str(caught.value)


def test_a_file_has_all_of_it(tmp_path: Path, log_dir: Path, records: Records) -> None:
    """Names, exceptions to them, expressions and actions of a file hold; what was replaced is counted."""
    path = tmp_path / "logging.yaml"
    path.write_text(
        f"""
log_dir: {log_dir}
redaction_hash_key: {KEY}
redaction:
  keys: [iban]
  keep_keys: [session, page_token]
  keep_patterns: [email]
  custom:
    pin: 'pin (?P<secret>[0-9]+)'
  action: mask
  actions: {{iban: hash, pin: replace}}
""",
        encoding="utf-8",
    )
    init_logging_from_config(path)
    before = get_stats()["redacted"]
    get_logger("app").info(
        "pin 1234 of a@b.example",
        customer_iban="DE02120300000000202051",
        session="s-1",
        page_token="p-1",
        password="hunter2hunter2",
        is_secret=True,
        secret=None,
    )
    (record,) = records()
    assert record["message"] == "pin [REDACTED:pin] of a@b.example"
    assert record["customer_iban"].startswith("[HASH:")
    assert (record["session"], record["page_token"], record["password"]) == ("s-1", "p-1", "****ter2")
    assert (record["is_secret"], record["secret"]) == (True, None)
    assert get_stats()["redacted"] - before == 3


@pytest.mark.parametrize("unified", [True, False])
def test_under_an_allow_list_only_named_fields_keep_their_values(
    start: Callable[..., Any], records: Records, unified: bool
) -> None:
    """Those of contexts and of `extra` too; what the library says itself is not concerned."""
    from unified_logger import LoggingContext

    start(
        redaction={"allow": ["order_id", "gen_ai.*", "request"]},
        use_unified_logging=unified,
        console_format="off",
        file_level="INFO",
        log_level="WARNING",
    )
    logger = get_logger("app")
    with LoggingContext(trace_id="t", tenant="acme"):
        logger.warning(
            "paid a@b.example",
            order_id=7,
            customer=1.5,
            flag=True,
            nothing=None,
            request={"any": "thing", "token": "x"},
            extra={"note": ["a"], "gen_ai.usage.input_tokens": 12},
        )
    record = records()[-1]
    assert record["message"] == "paid [REDACTED:email]"
    assert (record["trace_id"], record["order_id"], record["gen_ai.usage.input_tokens"]) == ("t", 7, 12)
    assert record["request"] == {"any": "thing", "token": "[REDACTED]"}
    assert record["nothing"] is None
    assert {record[name] for name in ("tenant", "customer", "flag", "note")} == {"[REDACTED]"}


def test_what_the_library_says_keeps_its_numbers(start: Callable[..., Any], records: Records) -> None:
    """A count of dropped records is no field of the application's."""
    start(redaction={"allow": []}, queue_size=1, overflow="drop_new", console_format="off")
    logger = get_logger("app")
    before = get_stats()["dropped"]
    while get_stats()["dropped"] == before:
        for number in range(1_000):
            logger.info("many", number=number)
    found = records()
    told = [record for record in found if record["message"].endswith("records dropped")]
    assert told
    assert all(isinstance(record["dropped"], int) for record in told)
    assert {record["number"] for record in found if record["message"] == "many"} == {"[REDACTED]"}
