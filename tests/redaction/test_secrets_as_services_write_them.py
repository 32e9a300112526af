"""Secrets in the forms that services log them in, through the files, the console and fallback handlers: these agree."""

from __future__ import annotations

import json
import logging

import pytest
from kinds import Plant

START = "init_logging(**OPTIONS)\n"
MODES = {"native": {}, "plain": {"USE_UNIFIED_LOGGING": "false"}}
# Each is logged as a message, as a field, inside a mapping, and as the text of an exception.
TEXTS = [
    'Cookie: prefs="dark"; sid=hunter2',
    'Authorization: Digest username="bob", response="hunter2"',
    '<wsse:Password Type="http://x.example/#PasswordText">hunter2</wsse:Password>',
    "<password><![CDATA[hunter2]]></password>",
    "postgres://bob:hunter2/x#y@db/x",
    r"https:\/\/bob:hunter2@db\/x",
    '{"\\u5bc6\\u7801": "hunter2"}',
    json.dumps(json.dumps({"body": json.dumps({"password": "hunter2"})})),
    "password=x,hunter2",
    "api key: hunter2",
    "password%3Dhunter2",
    "user%5Bpassword%5D=hunter2",
    "&quot;password&quot;: &quot;hunter2&quot;",
    "password: |\n  hunter2",
    "SET password='x''hunter2'",
    '{"name": "DB_PASSWORD", "value": "hunter2"}',
    'Content-Disposition: form-data; name="password"\r\n\r\nhunter2\r\n--x',
    "password_confirmation=hunter2 SecretString=hunter2 dbpasswd=hunter2 rootpw=hunter2 token_v2=hunter2",
    "[(b'authorization', b'Bearer hunter2')]",
    "['mysql', '--password', 'hunter2']",
    "my password is: hunter2",
    "SECRET_KEY_BASE=hunter2",
]


@pytest.mark.parametrize("mode", MODES)
def test_in_lists_of_arguments(plant: Plant, mode: str) -> None:
    """Lists and tuples, in fields, contexts, `extra`, messages and exceptions. Seen to fail (in all that is no text) without it."""
    code = """
for arguments in [["mysql", "--password", "hunter2"], ("--api-key", "hunter2", "-x"), [b"--token", b"hunter2", b"y"]]:
    logger.info("field", cmd=arguments, nested={"a": [{"argv": arguments}]})
    logger.info("message %s", arguments)
    logging.getLogger("standard").warning("extra", extra={"cmd": arguments})
    with LoggingContext(cmd=arguments):
        logger.info("context")
    fail(lambda: (_ for _ in ()).throw(subprocess.CalledProcessError(1, arguments)))
"""
    done = plant(
        "import subprocess\nfrom unified_logger import LoggingContext\n"
        + START
        + f"exec(compile({code!r}, '<lists>', 'exec'))",
        {"redaction": True},
        **MODES[mode],
    )
    assert done.code == 0, done.stderr
    lines = (done.text() + done.stderr).splitlines()
    assert [line for line in lines if "hunter2" in line] == []
    assert sum("[REDACTED]" in line for line in lines) >= 15


@pytest.mark.parametrize("console", ["text", "json"])
@pytest.mark.parametrize("mode", MODES)
def test_in_messages_fields_and_exceptions(plant: Plant, mode: str, console: str) -> None:
    """Nothing of the secret is left, whichever handlers write the record."""
    code = f"""
for text in {TEXTS!r}:
    logger.info(text)
    logger.info("field", value=text)
    logger.info("nested", value={{"a": [text]}})
    logging.getLogger("standard").warning("standard %s", text)
    fail(lambda: (_ for _ in ()).throw(ValueError(text)))
"""
    # The program's own source would have them.
    done = plant(
        START + f"exec(compile({code!r}, '<texts>', 'exec'))",
        {"redaction": True, "console_format": console},
        **MODES[mode],
    )
    assert done.code == 0, done.stderr
    assert [line for line in (done.text() + done.stderr).splitlines() if "hunter2" in line] == []
    assert done.text().count("[REDACTED") > 4 * len(TEXTS)


@pytest.mark.parametrize("console", ["text", "json"])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("native", [False, True])
def test_in_arguments_that_a_message_takes_by_name(plant: Plant, mode: str, console: str, native: bool) -> None:
    """The name is known before the message is merged: the value is not in it, whatever its conversion."""
    code = """
given = {"password": "hunter" + "2", "api_key": 4711815, "user": "bob", "ok": True, "token": None}
class Mapping(dict):
    def __getitem__(self, name):
        return super().__getitem__(name)
for log in (logger.info, logging.getLogger("standard").warning):
    log("login %(user)s %(password)s %(api_key)d %(token)s", given)
    log("login %(user)s %(password)-10.3s|", Mapping(given))
    log("login %(user)s %(password)d", given)
    log("login %(user)s %(secret)s", given)
"""
    options = {"redaction": True, "console_format": console, "native_stdlib": native}
    done = plant(START + code, options, **MODES[mode])
    text = done.text()
    assert done.code == 0, done.stderr
    assert "hunter2" not in text + done.stderr
    assert "4711815" not in text + done.stderr
    assert text.count("login bob [REDACTED] [REDACTED] None") == 2
    assert text.count("login bob [REDACTED]|") == 2
    assert "hun|" not in text


@pytest.mark.parametrize("mode", MODES)
def test_named_arguments_have_the_hash_of_their_fields(plant: Plant, mode: str) -> None:
    """Equal secrets have equal hashes wherever they stand."""
    options = {"redaction": {"action": "hash"}, "redaction_hash_key": "a key of sixteen characters"}
    code = (
        'logger.info("login %(password)s", {"password": "hunter" + "2"})\nlogger.info("field", password="hunter" + "2")'
    )
    records = [json.loads(line) for line in plant(START + code, options, **MODES[mode]).text().splitlines()]
    (message,) = (record["message"] for record in records if record["message"].startswith("login"))
    (field,) = (record["password"] for record in records if record["message"] == "field")
    assert message == f"login {field}"


@pytest.mark.parametrize("console", ["text", "json"])
@pytest.mark.parametrize("mode", MODES)
def test_in_what_a_record_of_another_program_says_of_itself(plant: Plant, mode: str, console: str) -> None:
    """Module and function of a record come from elsewhere, and so may the name of its level where that is written."""
    code = """
for number in range(3):
    record = logging.makeLogRecord({
        "name": "remote", "msg": "from elsewhere", "levelno": 30, "levelname": "WARNING",
        "module": SECRETS["email"], "funcName": "f(password='" + NAMED + "')", "lineno": number,
    })
    logging.getLogger().handle(record)
"""
    done = plant(START + code, {"redaction": True, "console_format": console}, **MODES[mode])
    assert (done.code, done.found()) == (0, set())
    assert done.text().count('"module":"[REDACTED:email]"') == 3


@pytest.mark.parametrize("console", ["text", "json"])
@pytest.mark.parametrize("mode", MODES)
def test_in_the_name_of_a_level_that_a_record_brings(plant: Plant, mode: str, console: str) -> None:
    """A record of `logging` may name its level as it likes."""
    code = """
record = logging.makeLogRecord({"name": "x", "msg": "named level", "levelno": 31, "levelname": SECRETS["email"]})
logging.getLogger().handle(record)
"""
    done = plant(START + code, {"redaction": True, "console_format": console}, **MODES[mode])
    assert (done.code, done.found()) == (0, set())
    assert "named level" in done.text()
    assert "named level" in done.stderr


@pytest.mark.parametrize("mode", MODES)
def test_before_the_place_where_a_text_is_cut(plant: Plant, mode: str) -> None:
    """A card or a token of which only a part is kept is not shown."""
    code = """
words = "word " * 60_000
for secret in ("4111 1111 1111 1111", SECRETS["github_token"]):
    text = words[: 256 * 1024 - len(secret) + 4] + " " + secret + " and more"
    logger.info("field", value=text)
    logger.info("nested", value={"a": text})
    logger.info(text)
    fail(lambda: (_ for _ in ()).throw(ValueError(words[: 64 * 1024 - len(secret) + 4] + " " + secret + " and more")))
"""
    done = plant(START + code, {"redaction": True, "console_format": "off"}, **MODES[mode])
    text = done.text()
    assert done.code == 0, done.stderr
    assert "4111 1111" not in text
    assert "ghp_" not in text
    assert text.count("[REDACTED]…(+") >= 6


def test_other_texts_stay_as_they_are(plant: Plant) -> None:
    """Prose, code, addresses and tracebacks are not eaten, by either kind of handlers."""
    texts = [
        "Invalid token: unexpected end of input",
        "usage: login <user> <password> [options]",
        "<requests.sessions.Session object at 0x7f3a5c2d1e80>",
        "http://localhost:8080/a@b?x=1%20y&z=%d",
        "fields: ('username', 'password')",
        "C:\\temp\\new\\users",
        "git@github.com:org/repo",
        "1771497000123456789 order-4111111111111112 v4.17.21",
        "中文，标点：“引号”。",
    ]
    code = f"for text in {texts!r}:\n    logger.info(text)\n    logger.info('field', value=text)"
    for environment in MODES.values():
        done = plant(START + code, {"redaction": True}, **environment)
        records = [json.loads(line) for line in done.text().splitlines()]
        shown = [record.get("value", record["message"]) for record in records if record["logger"] == "app"]
        assert shown[-2 * len(texts) :] == [text for text in texts for _ in range(2)]


def test_a_record_of_logging_is_left_as_it_is() -> None:
    """What others listen to has the values as they were given."""
    from unified_logger import _core
    from unified_logger.config.redaction import settle
    from unified_logger.stdlib.formatters import JSONFormatter, TextFormatter

    rules = settle([("argument", True)], None)
    assert isinstance(rules, _core.Redaction)
    given = {"password": "hunter2", "user": "bob"}
    record = logging.LogRecord("app", logging.INFO, __file__, 1, "login %(user)s %(password)s", (given,), None)
    for formatter in (JSONFormatter(redaction=rules), TextFormatter(redaction=rules)):
        assert "login bob [REDACTED]" in formatter.format(record)
    assert "login bob hunter2" in JSONFormatter(redaction=None).format(record)
    assert (record.getMessage(), record.args) == ("login bob hunter2", given)
