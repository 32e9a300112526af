"""`unified-logger doctor [DIR]`: whether a log directory is healthy, and why a line does not appear."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

from .. import _core, levels
from ..errors import ConfigurationError
from . import COMMANDS, _configuration, _questions, _table, _why
from .checks import CHECKS
from .checks._place import NOTE, OK, TROUBLE, WARNING, Finding, Place

if TYPE_CHECKING:
    from argparse import Namespace
    from typing import Any

_COLORS = {OK: "\x1b[32m", NOTE: "\x1b[36m", WARNING: "\x1b[33m", TROUBLE: "\x1b[31m"}
_OF_GATES = {_why.PASSES: OK, _why.STOPS: TROUBLE, _why.DEPENDS: WARNING, _why.UNKNOWN: NOTE}
_STATUS = {OK: 0, NOTE: 0, WARNING: 1, TROUBLE: 2}


def main(arguments: list[str]) -> int:
    """Runs the command.

    Args:
        arguments: Those behind the name of the command.

    Returns:
        The exit status, as `run` gives it; 2 for wrong arguments.
    """
    parser = _questions.parser(
        "doctor", COMMANDS["doctor"], "It reads ends of files, indices and the catalogue, and changes nothing."
    )
    _questions.add_directory(parser)
    parser.add_argument("--config", metavar="FILE", help="the configuration file of the program that logs there")
    parser.add_argument(
        "--why",
        nargs=2,
        metavar=("LOGGER", "LEVEL"),
        help="say which options keep records of this logger and level out of which output",
    )
    parser.add_argument("--json", action="store_true", help="print one object of JSON")
    return run(parser.parse_args(arguments))


def run(given: Namespace) -> int:
    """Looks at a directory, or says why a record does not appear.

    Returns:
        0 if all is well, 1 if there are warnings, 2 if there is trouble. With `--why`: 0 if an output takes the record, 1 if none does, 2 if
        that cannot be told.
    """
    place = Place(given.directory or os.environ.get("LOG_DIR"), given.config)
    directory = place.directory
    if given.why is not None:
        return _say_why(given, directory)
    findings: list[Finding] = []
    if os.path.isdir(directory):
        for look in CHECKS:
            try:
                findings += look(place)
            except OSError as error:
                name = look.__module__.rpartition(".")[2]
                findings.append(Finding(name, TROUBLE, f"This cannot be looked at: {error}."))
    else:
        findings.append(
            Finding(
                "directory",
                TROUBLE,
                f"{directory!r} is not a directory.",
                "No program has logged there, or it runs in another working directory.",
                "Name the directory that `unified-logger config show` has for log_dir.",
            )
        )
    worst = max((_STATUS[finding.severity] for finding in findings), default=0)
    if given.json:
        told = {
            "directory": os.path.abspath(directory),
            "status": worst,
            "findings": [each._asdict() for each in findings],
        }
        print(json.dumps(told, ensure_ascii=False))
    else:
        sys.stdout.write("".join(_drawn(finding) for finding in findings))
    return worst


def _drawn(finding: Finding) -> str:
    lines = [f"{_colored(finding.severity, f'{finding.severity:8}')} {finding.check}: {_printable(finding.what)}"]
    lines += [f"         why: {_printable(finding.why)}"] if finding.why else []
    lines += [f"         do:  {_printable(finding.do)}"] if finding.do else []
    return "".join(f"{line}\n" for line in lines)


def _printable(text: str) -> str:
    return _table.cell_text(text, True)


def _colored(severity: str, text: str) -> str:
    return f"{_COLORS[severity]}{text}\x1b[0m" if _questions.is_colourful(sys.stdout.isatty()) else text


def _say_why(given: Namespace, directory: str) -> int:
    logger, name = given.why
    level = _core.level_number(directory, name.strip())
    if level is None:
        try:
            level = levels.parse(name)
        except ValueError:
            return _refused(f"--why {name!r} is no level: write {levels.ALLOWED}")
    process = None
    if given.config is None:
        found = _why.gates_of_process(directory, logger, level)
        if found is not None:
            process, gates = found
    if process is None:
        try:
            settings, file = _configuration.settings_of(given.config)
            gates = _why.gates(settings, file, given.config, logger, level)
        except ConfigurationError as error:
            return _refused(str(error))
    shared = [gate for gate in gates if not gate.name.startswith("output ")]
    outputs = [gate for gate in gates if gate.name.startswith("output ")]
    is_stopped = any(gate.result == _why.STOPS for gate in shared)
    taken = [] if is_stopped else [gate.name[7:] for gate in outputs if gate.result != _why.STOPS]
    if given.json:
        told: dict[str, Any] = {"logger": logger, "level": levels.name_of(level), "process": process, "outputs": taken}
        print(json.dumps(told | {"gates": [gate._asdict() for gate in gates]}, ensure_ascii=False))
        return 0 if taken else 1
    if process is not None:
        print(f"by what process {process} of {_printable(directory)} has; --config asks a file")
    for gate in gates:
        print(
            f"{_colored(_OF_GATES[gate.result], f'{gate.result:8}')} {_printable(gate.name)}: {_printable(gate.why)}; "
            f"decided by {_printable(gate.key)}"
        )
    where = ", ".join(taken) if taken else "no output"
    print(f"{levels.name_of(level)} of {_printable(logger)} comes to {_printable(where)}")
    return 0 if taken else 1


def _refused(reason: str) -> int:
    print(f"unified-logger doctor: {reason}", file=sys.stderr)
    return 2
