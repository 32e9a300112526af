"""Arguments of a command, read as `getopt_long` does, from a table that its help is made of, too.

It is there because `argparse` takes most of the time in which a command is to start, and refuses values such as `-10m`.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_WIDTH = 96


class WrongError(ValueError):
    """Arguments that a command does not take, in a sentence."""


class Option:
    """An option of a command.

    Args:
        names: Its names, such as `-n` and `--lines`. The last one is that of its value.
        value: What its value is called in the help; None if it takes none.
        told: What it does.
        many: Whether it may be given several times.
        allowed: The values that it takes; none for any.
    """

    __slots__ = ("allowed", "many", "names", "told", "value")

    def __init__(
        self, names: str, value: str | None, told: str, *, many: bool = False, allowed: Sequence[str] = ()
    ) -> None:
        self.names = names.split(", ")
        self.value = value
        self.told = told
        self.many = many
        self.allowed = allowed

    @property
    def key(self) -> str:
        """The name under which its value is found."""
        return self.names[-1].lstrip("-").replace("-", "_")


class Given:
    """What was given to a command.

    Args:
        values: The values of the options that were given, by their keys: a text, a list of texts, or True.
        operands: The other arguments.
    """

    __slots__ = ("operands", "values")

    def __init__(self, values: dict[str, str | list[str] | bool], operands: list[str]) -> None:
        self.values = values
        self.operands = operands

    def text(self, key: str) -> str | None:
        """The value of an option; None if it was not given."""
        value = self.values.get(key)
        return value if isinstance(value, str) else None

    def texts(self, key: str) -> list[str]:
        """The values of an option that may be given several times."""
        value = self.values.get(key)
        return value if isinstance(value, list) else []

    def has(self, key: str) -> bool:
        """Whether an option was given."""
        return key in self.values


HELP = Option("-h, --help", None, "show this help and exit")


def read(arguments: Iterable[str], options: Sequence[Option]) -> Given:
    """Reads arguments.

    Args:
        arguments: Those behind the name of the command.
        options: Those that it takes.

    Returns:
        Their values, and the other arguments in their order.

    Raises:
        WrongError: There is no such option, or its value is missing or not allowed.
    """
    values: dict[str, str | list[str] | bool] = {}
    operands: list[str] = []
    left = list(arguments)
    left.reverse()

    def put(option: Option, name: str, value: str | None) -> None:
        if option.value is None:
            if value is not None:
                raise WrongError(f"{name} takes no value")
            values[option.key] = True
            return
        if value is None:
            if not left:
                raise WrongError(f"{name} needs a value: {name} {option.value}")
            value = left.pop()
        if option.allowed and value not in option.allowed:
            raise WrongError(f"{name} = {value!r} is not allowed: it must be one of {', '.join(option.allowed)}")
        if option.many:
            before = values.setdefault(option.key, [])
            assert isinstance(before, list)
            before.append(value)
        else:
            values[option.key] = value

    while left:
        argument = left.pop()
        if argument == "--":
            operands += reversed(left)
            break
        if argument.startswith("--"):
            name, sign, value = argument.partition("=")
            put(_of_long_name(name, options), name, value if sign else None)
        elif argument.startswith("-") and argument != "-":
            if argument[1:].isdecimal():
                # As `tail -20` has it.
                put(_of_short_name("-n", options), "-n", argument[1:])
                continue
            rest = argument[1:]
            while rest:
                name, rest = f"-{rest[0]}", rest[1:]
                option = _of_short_name(name, options)
                if option.value is not None and rest:
                    put(option, name, rest.removeprefix("="))
                    break
                put(option, name, None)
        else:
            operands.append(argument)
    return Given(values, operands)


def _of_short_name(name: str, options: Sequence[Option]) -> Option:
    for option in options:
        if name in option.names:
            return option
    raise WrongError(f"there is no option {name}")


def _of_long_name(name: str, options: Sequence[Option]) -> Option:
    """The option of a name, or of the beginning of one that no other has."""
    found = [option for option in options if name in option.names]
    found = found or [
        option for option in options if any(each.startswith(name) and each.startswith("--") for each in option.names)
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise WrongError(f"{name} may be one of {', '.join(option.names[-1] for option in found)}")
    import difflib

    near = difflib.get_close_matches(name, [each for option in options for each in option.names], 1)
    raise WrongError(f"there is no option {name}" + (f": did you mean {near[0]}?" if near else ""))


def help_of(usage: str, sentences: str, options: Sequence[Option], end: str = "") -> str:
    """The help of a command.

    Args:
        usage: How it is called.
        sentences: What it does.
        options: Those that it takes.
        end: What stands behind them.

    Returns:
        The text, with a newline at its end.
    """
    import textwrap

    lines = [f"usage: {usage}", "", *textwrap.wrap(sentences, _WIDTH), "", "options:"]
    for option in options:
        named = ", ".join(option.names) + (f" {option.value}" if option.value else "")
        wrapped = textwrap.wrap(option.told, _WIDTH - 26)
        if len(named) > 22:
            lines.append(f"  {named}")
        else:
            lines.append(f"  {named:<24}{wrapped.pop(0)}")
        lines += [f"{'':26}{line}" for line in wrapped]
    if end:
        lines += ["", end]
    return "\n".join(lines) + "\n"


def logger(name: str) -> str:
    """The name of a logger that stands for those below it, too, of `shop` or `shop.*`. `*` is every logger.

    Args:
        name: What was given.

    Returns:
        The name; empty for every logger.

    Raises:
        WrongError: It is no such name.
    """
    found = "" if name == "*" else name.removesuffix(".*").removesuffix(".")
    if "*" in found or "?" in found:
        raise WrongError(
            f"--logger = {name!r} is not allowed: a name stands for the loggers below it, too, as shop or 'shop.*'"
        )
    return found


def most(text: str) -> int | None:
    """How many are shown; None for all.

    Args:
        text: What was given with `--lines`.

    Raises:
        WrongError: It is neither a number nor `all`.
    """
    if text == "all":
        return None
    if not (text.isascii() and text.isdecimal()):
        raise WrongError(f"--lines = {text!r} is not allowed: it must be a number from 0 on, or all")
    # Nobody has more.
    return min(int(text), 1 << 40)


def log_directory() -> str:
    """The directory that is meant if none is named."""
    return os.environ.get("LOG_DIR") or "logs"


def places(paths: list[str]) -> tuple[str, list[str]]:
    """The directory whose levels count, and the files and directories that are read; none for all files of that directory.

    Args:
        paths: What was given; empty for the directory that is meant then.
    """
    if not paths:
        return log_directory(), []
    if len(paths) == 1 and _is_directory(paths[0]):
        return paths[0], []
    first = paths[0] if _is_directory(paths[0]) else os.path.dirname(paths[0])
    return first or ".", [os.path.abspath(path) for path in paths]


def _is_directory(path: str) -> bool:
    """Whether a path is a directory, or is missing and has no name of a log file."""
    return os.path.isdir(path) or (not os.path.exists(path) and ".log" not in os.path.basename(path))


def awaited(paths: Sequence[str]) -> list[str]:
    """What a command that follows has to wait for, in sentences: a name may be misspelt.

    Args:
        paths: Directories and files.
    """
    said = []
    for path in paths:
        if not os.path.exists(path):
            if _is_directory(path) or not os.path.isdir(os.path.dirname(path) or "."):
                continue  # that is an error
            said.append(f"{path!r} is not there yet: it is waited for")
        elif os.path.isdir(path) and not any(".log" in name for name in os.listdir(path)):
            said.append(f"{path!r} has no log files yet: they are waited for")
    return said
