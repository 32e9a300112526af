"""`unified-logger retention [DIR]`: deletes the rotated files that no bound keeps, or says which these are."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

from .. import _core
from ..config import OPTIONS, resolve
from ..config.file import load_config
from ..config.sections.rotation import bounds_of_file
from ..errors import ConfigurationError, PartError
from . import COMMANDS, _directories
from ._table import size

if TYPE_CHECKING:
    import argparse
    from argparse import Namespace
    from typing import Any

    from ..config import Settings

_HELP = COMMANDS["retention"]


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to the others."""
    parser = commands.add_parser("retention", help=_HELP, description=_HELP + ".")
    parser.add_argument(
        "directory", metavar="DIR", nargs="?", help="the log directory; without it the one that the configuration names"
    )
    parser.add_argument("--config", metavar="FILE", help="the configuration file of the program that logs there")
    parser.add_argument(
        "--keep",
        metavar="BOUNDS",
        help='bounds in the place of those of the file, as JSON: \'{"files": 10, "age": "14d"}\', or all',
    )
    parser.add_argument("--dry-run", action="store_true", help="delete nothing, and say what would go")
    parser.add_argument("--all", action="store_true", help="name the files that stay, too")
    parser.add_argument("--json", action="store_true", help="print one object of JSON")
    parser.set_defaults(run=run)


def run(given: Namespace) -> int:
    """Deletes files, or says which would go.

    Returns:
        0 if all went well, 1 if something could not be deleted or read, 2 if the arguments, the configuration or the directory are wrong, 3 if
        another process of the directory is at it.
    """
    try:
        settings = _settings(given)
        engine = for_engine(settings, given.keep is not None)
    except ConfigurationError as error:
        return _refused(str(error))
    asked = given.directory if given.directory is not None else settings.log_dir
    if asked is None:
        return _refused("the configuration writes no files: name a directory")
    # The directory behind the links now is the one that is checked and used.
    directory = os.path.realpath(asked)
    refusal = _directories.refusal(os.fspath(asked), directory)
    if refusal is None and not given.dry_run and _is_of_another(directory):
        refusal = (
            f"{asked!r} belongs to another user, who could not change what root writes there: run this as that user"
        )
    if refusal is not None:
        return _refused(refusal)
    try:
        told = _core.retention(directory, engine, given.dry_run)
    except OSError as error:
        print(f"unified-logger retention: {error}", file=sys.stderr)
        return 1
    if told is None:
        print("unified-logger retention: another process looks after these files now", file=sys.stderr)
        return 3
    print(json.dumps(_as_json(told, given)) if given.json else _as_text(told, given))
    for reason in told["failed"]:
        print(f"unified-logger retention: {reason}", file=sys.stderr)
    if told["is_of_later_version"]:
        print(
            "unified-logger retention: a later version of this library looks after these files: nothing is deleted",
            file=sys.stderr,
        )
    return 1 if told["failed"] or told["is_of_later_version"] else 0


def _refused(reason: str) -> int:
    print(f"unified-logger retention: {reason}", file=sys.stderr)
    return 2


def _settings(given: Namespace) -> Settings:
    """The options that a program with this file would have. Without any bounds given, nothing is guessed."""
    if given.config is None and given.keep is None:
        raise ConfigurationError(
            source="command line",
            key="--config",
            value=None,
            allowed="the configuration file of the program, or --keep with bounds",
        )
    arguments, environ = {}, dict(os.environ)
    if given.keep is not None:
        _check_bounds(given.keep)
        environ |= {OPTIONS["keep"].variables[0]: given.keep}
    if given.directory is not None:
        arguments["log_dir"] = given.directory
    file = load_config(given.config) if given.config is not None else None
    return resolve(arguments, file=file, file_path=given.config, environ=environ)


def _check_bounds(text: str) -> None:
    option = OPTIONS["keep"]
    try:
        option.parse_text(text.strip())
    except PartError as wrong:
        raise wrong.of("command line", "--keep") from None
    except (ValueError, TypeError, KeyError):
        raise ConfigurationError(source="command line", key="--keep", value=text, allowed=option.kind.allowed) from None


def for_engine(settings: Settings, for_each: bool) -> dict[str, Any]:
    """What the engine is told.

    Args:
        settings: The settings.
        for_each: Whether the bounds are those of each file, so that files have none of their own.
    """
    engine = settings.to_engine()
    if for_each:
        for output in engine["output"]["to"]["outputs"].values():
            if output and "file" in output["to"]:
                output["to"]["file"]["keep"] = bounds_of_file(settings.keep or {})
    engine["black_box"]["place"] = settings.black_box
    to = engine["output"]["to"]
    to["outputs"] = [{"name": name, **output} for name, output in to["outputs"].items() if output]
    return engine


def _is_of_another(directory: str) -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0 and os.stat(directory).st_uid != 0


def _as_json(told: dict[str, Any], given: Namespace) -> dict[str, Any]:
    if not told["has_targets"]:
        # Nobody ships these files, so that nothing is to be said of it.
        for file in (*told["goes"], *told["held"], *told["stays"]):
            file["shipped"] = None
    shown = {"dry_run": given.dry_run, "goes": told["goes"], "held": told["held"], "foreign": told["foreign"]}
    if given.all:
        shown["stays"] = told["stays"]
    totals = {name: _total(told[name]) for name in ("goes", "held", "stays")}
    return shown | {"totals": totals, "failed": told["failed"]}


def _total(files: list[dict[str, Any]]) -> dict[str, int]:
    return {
        "files": len(files),
        "bytes": sum(file["bytes"] for file in files),
        "unshipped": sum(file["shipped"] is False for file in files),
    }


def _as_text(told: dict[str, Any], given: Namespace) -> str:
    verb = "would go" if given.dry_run else "deleted"
    rows = [(verb, file["rule"], file) for file in told["goes"]]
    rows += [("held", file["rule"], file) for file in told["held"]]
    if given.all:
        rows += [("stays", "-", file) for file in told["stays"]]
    lines = [
        f"{what:8}  {rule:9}  {size(file['bytes']):>9}  {_shipped(file, told)}{file['file']}"
        for what, rule, file in rows
    ]
    if given.all:
        lines += [f"not ours  {name}" for name in told["foreign"]]
    goes, held, stays = (_total(told[name]) for name in ("goes", "held", "stays"))
    sentence = f"{_files(goes)} {verb}, {_files(stays)} {'stay' if stays['files'] != 1 else 'stays'}"
    if told["has_targets"]:
        sentence += f", {_files(held)} held for shipping; {goes['unshipped']} of those that go are not shipped"
    return "\n".join([*lines, sentence])


def _shipped(file: dict[str, Any], told: dict[str, Any]) -> str:
    if not told["has_targets"]:
        return ""
    return "shipped      " if file["shipped"] else "not shipped  "


def _files(total: dict[str, int]) -> str:
    return f"{total['files']} {'file' if total['files'] == 1 else 'files'} ({size(total['bytes'])})"
