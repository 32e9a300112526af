# ruff: noqa: F401 - tests put more code behind this, which uses them.
# A program: pushes each secret of SECRETS through every door. What it logs is marked with the door's name.
import json
import logging
import os
import sys
import threading
import warnings
from pathlib import Path

import unified_logger
from unified_logger import LoggingContext, get_logger, init_logging, lazy

SECRETS = json.loads(os.environ["SECRETS"])
NAMED = os.environ["NAMED"]
OPTIONS = json.loads(os.environ.get("OPTIONS", "{}"))
logger = get_logger("app")
braces = get_logger("app", style="{")


class Shown:
    def __init__(self, text):
        self.text = text

    def __repr__(self):
        return self.text


class User:
    def __init__(self, password):
        self.password = password

    def __repr__(self):
        return "User()"


class Falls:
    def __init__(self, text):
        self.text = text

    def __del__(self):
        raise ValueError(self.text)


def source_of(name, secret):
    """A module whose source has the secret, and falls there."""
    path = os.path.abspath(f"source_{name}.py")
    with open(path, "w", encoding="utf-8") as file:
        file.write(
            f"def fall(log):\n    log('literal ' {secret!r}, field=1)\n    log('stack', {secret!r}, stack_info=True)\n    raise ValueError('in source', {secret!r})\n"
        )
    namespace = {}
    exec(compile(Path(path).read_text(encoding="utf-8"), path, "exec"), namespace)
    return namespace["fall"]


def fall(secret):
    try:
        try:
            raise KeyError(secret)
        except KeyError as error:
            raise ValueError(secret) from error
    except ValueError as error:
        if hasattr(error, "add_note"):
            error.add_note(f"a note {secret}")
            raise ExceptionGroup(secret, [error, OSError(secret)]) from None  # noqa: F821 - 3.11
        raise


def fail(call, *arguments):
    try:
        call(*arguments)
    except Exception:
        logger.exception("exception")
        logging.getLogger("standard").exception("exception of the standard library")


def doors(name, secret):
    logger.info(f"message {secret}")
    logger.info("arguments %s %r", secret, [secret])
    logger.info("named arguments %(a)s", {"a": secret})
    logger.info("field", value=secret)
    logger.info("nested", value={"a": [{"b": (secret, {secret})}]})
    logger.info("key of a mapping", value={secret: {secret: 1}})
    logger.info("name of a field", **{secret: 1})
    logger.info("extra", extra={"value": secret})
    logger.info("object", value=Shown(secret), other=[Shown(secret)])
    logger.info(Shown(f"message that is an object {secret}"))
    braces.info("braces {a} {} {b[0]!r}", secret, a=secret, b=[secret])
    braces.info("braces that do not fit {b}", secret, a=secret)
    braces.info("braces {a} " + secret, a=1)
    logger.info("lazy %s", lazy(lambda: secret), value=lazy(lambda: [secret]))
    logger.info("lazy that fails %s", lazy(fall, secret), value=lazy(fall, secret))
    with logger.catch(message=f"caught {secret}"):
        fall(secret)
    logger.log(secret, "level")
    with LoggingContext(value=secret, nested={"a": secret}):
        logger.info("context")
        logger.info("context and more", more=secret)
    with LoggingContext(trace_id=secret, span_id=secret):
        logger.info("ids")
    fail(fall, secret)
    fail(source_of(name, secret), logger.info)
    logger.info("long " + "x" * 10_000 + f" {secret} " + "y" * 10_000)
    logger.ai("ask", prompt=secret, response={"text": secret}, error=secret)
    logger.ai("ask", prompt=[{"role": "user", "content": secret}], error=ValueError(secret))
    logging.getLogger("standard").warning("standard %s", secret, extra={"value": secret})
    logging.getLogger("standard").warning("does not fit %d", secret)
    logging.getLogger(secret).warning("name of a logger")
    get_logger(secret).warning("name of a logger")
    warnings.warn(f"warning {secret}", stacklevel=1)
    for target in (lambda: logger.info("name of a thread"), lambda: fall(secret)):
        thread = threading.Thread(target=target, name=f"thread {secret}")
        thread.start()
        thread.join()
    Falls(secret)


def named_doors(secret):
    logger.info("field", password=secret, number=1)
    logger.info("nested", value={"Api-Key": secret, "list": [{"clientSecret": [1, {"x": secret}]}]})
    logger.info("extra", extra={"access_token": secret})
    logger.info("message %s", {"password": secret})
    braces.info(
        "login {password} {user.password!r:>5} {0[Authorization]} {n}",
        {"Authorization": secret},
        password=secret,
        user=User(secret),
        n=1,
    )
    braces.bind(token=secret).info("token {token}")
    logger.info("lazy", api_key=lazy(lambda: secret))
    logger.info(json.dumps({"user": {"api_key": secret, "n": json.dumps({"token": secret})}}))
    with LoggingContext(session=secret):
        logger.info("context")
        logger.info("context and more", more=1)
    logging.getLogger("standard").warning("standard", extra={"authorization": secret})
    fail(lambda: (_ for _ in ()).throw(ValueError(f"login(user='bob', password={secret!r})")))


def all_doors():
    for name, secret in SECRETS.items():
        doors(name, secret)
    named_doors(NAMED)
