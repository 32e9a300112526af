"""YAML files, read safely: simple values only, within bounds, every key with its line, no key twice."""

from __future__ import annotations

import os
import stat
from collections.abc import Hashable

import yaml

from ..errors import ConfigurationError
from . import layout, mappings
from .kinds import name_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike
    from typing import Any

# Far more bytes than any configuration has; reading and checking so many takes seconds at most.
_BYTES = 256 * 1024
# Depth of mappings and lists.
_DEPTH = 20
# So many errors are told of one file.
_ERRORS = 50
# Keys and values; an alias counts as everything that it stands for.
_NODES = 20_000

_MERGE = "tag:yaml.org,2002:merge"
# Keys of these kinds are names as written, even if values of that form would be numbers or, like `no`, booleans.
_TEXT = "tag:yaml.org,2002:str"
_NAMES = tuple(f"tag:yaml.org,2002:{kind}" for kind in ("bool", "float", "int", "str", "timestamp", "value"))


def load_config(path: str | PathLike[str]) -> dict[str, Any]:
    """Reads and validates a YAML configuration.

    Args:
        path: The file, in UTF-8. An empty file is an empty configuration. A pipe, such as `/dev/stdin` or `<(...)` of a shell, is
            read to its end.

    Returns:
        The configuration as it is in the file.

    Raises:
        ConfigurationError: The file cannot be read, is not plain YAML, is larger than a configuration can be, or its content is
            wrong.
    """
    return dict(_load(path, pipes=True))


def load_without_errors(path: str | PathLike[str]) -> tuple[dict[str, Any], list[ConfigurationError]]:
    """Reads a configuration for people who want to know all that is wrong with it.

    Args:
        path: The file.

    Returns:
        The configuration without the keys that are wrong, and what is wrong with each of these.

    Raises:
        ConfigurationError: The file cannot be read, or is not plain YAML: nothing can be told of its keys.
    """
    source = str(path)
    config, lines = _parse(_read(path, source, True), source)
    shown = {mappings.shown(key): line for key, line in lines.items()}
    errors: list[ConfigurationError] = []
    while True:
        try:
            layout.check(config, source, lines)
        except ConfigurationError as error:
            errors.append(error)
            if len(errors) < _ERRORS and without(config, error.key):
                continue
        return mappings.Lined(config, shown), errors


def without(config: dict[str, Any], key: str) -> bool:
    """Takes a key out of a configuration, or what it is a part of if it is no key. False if there is no such thing.

    Args:
        config: The configuration, which is changed.
        key: The key, with dots between blocks and keys, as errors have it.
    """
    for name in sorted((name for name in config if isinstance(name, str)), key=len, reverse=True):
        if key == name or key.startswith(f"{name}."):
            below = config[name]
            if not (isinstance(below, dict) and without(below, key[len(name) + 1 :])):
                del config[name]
            return True
    return False


def load_again(path: str | PathLike[str]) -> dict[str, Any]:
    """The same for a file that was read before. A pipe is refused: it has nothing more, and waiting for it would not end."""
    return _load(path, pipes=False)


def is_pipe(path: str | PathLike[str]) -> bool:
    """Whether a path leads to something that can be read only once."""
    try:
        return stat.S_ISFIFO(os.stat(path).st_mode)
    except (OSError, ValueError):  # Reading it reports the error.
        return False


def _load(path: str | PathLike[str], pipes: bool) -> dict[str, Any]:
    source = str(path)
    config, lines = _parse(_read(path, source, pipes), source)
    layout.check(config, source, lines)
    return mappings.Lined(config, {mappings.shown(path): line for path, line in lines.items()})


def _read(path: str | PathLike[str], source: str, pipes: bool) -> str:
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            mode = os.fstat(file.fileno()).st_mode
            piped = pipes and stat.S_ISFIFO(mode)
            if piped:
                os.set_blocking(file.fileno(), True)
            content = file.read(_BYTES + 1) if piped or stat.S_ISREG(mode) else None
    except FileNotFoundError as error:
        raise ConfigurationError(
            source=source,
            key=source,
            value=None,
            allowed="a readable file in UTF-8",
            unknown="configuration file",
            hint=None if os.path.isabs(source) else f"The working directory is {_working_directory()}",
        ) from error
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL.
        raise _wrong(source, source, f"a readable file in UTF-8 ({error})") from error
    if content is None:
        raise _wrong(
            source, source, "a regular file: a pipe, a device or a socket may keep its reader waiting for good"
        )
    if piped and not content:
        raise _wrong(source, source, "not empty where it is a pipe: nobody writes into it")
    if len(content) > _BYTES:
        raise _wrong(source, source, f"at most {_BYTES // 1024} KiB large")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _wrong(source, source, f"a readable file in UTF-8 ({error})", line) from error


def _open_at_once(path: str, flags: int) -> int:
    """Opens any kind of file without waiting: opening a FIFO without a writer would wait for ever."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))


def _working_directory() -> str:
    try:
        return os.getcwd()
    except OSError:
        return "gone"


def _wrong(source: str, value: object, allowed: str, line: int | None = None) -> ConfigurationError:
    return ConfigurationError(source=source, key="(the whole file)", value=value, allowed=allowed, line=line)


def _parse(text: str, source: str) -> tuple[dict[str, Any], dict[mappings.Path, int]]:
    lines: dict[mappings.Path, int] = {}
    plain = "plain YAML: texts, numbers, true, false, null, lists and mappings"
    try:
        loader = _Loader(text)
        try:
            root = loader.get_single_node()
            if root is None:
                return {}, lines
            _Walk(loader, lines, source).root(root)
            config = layout.settle(loader.construct_document(root), source, lines)
        finally:
            loader.dispose()
    except yaml.reader.ReaderError as error:
        # A character that no text has. The error has its position, but not its line.
        problem = f"the character U+{ord(text[error.position]):04X}"
        raise _wrong(source, problem, plain, text.count("\n", 0, error.position) + 1) from error
    except yaml.YAMLError as error:
        if getattr(error, "problem", None) == "but found another document":
            line = error.problem_mark.line + 1  # type: ignore[attr-defined] # of those with a mark
            raise _wrong(source, "a second document", "one document of YAML: '---' begins another", line) from error
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        raise _wrong(source, problem, plain, None if mark is None else mark.line + 1) from error
    return config, lines


class _Loader(yaml.SafeLoader):
    """The safe loader with a bound on depth. Every refusal names a line."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """A node, unless it is too deep."""
        self._depth += 1
        if self._depth > _DEPTH:
            raise yaml.composer.ComposerError(None, None, "nested too deeply", self.peek_event().start_mark)  # type: ignore[no-untyped-call]
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        """The value of a node."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, TypeError, ArithmeticError, LookupError, AttributeError) as error:
            # `2024-99-99`, an integer of a million digits, `!!bool maybe`: the loader raises other errors for these.
            raise yaml.constructor.ConstructorError(None, None, str(error), node.start_mark) from error


def _word(loader: _Loader, node: Any) -> Any:
    """A boolean; `on`, `off`, `yes` and `no` are texts elsewhere."""
    truth = loader.construct_yaml_bool(node)
    if node.value.lower() in ("true", "false"):
        return truth
    word = layout.Word(node.value)
    word.truth = truth
    return word


def _number(construct: Callable[[Any, Any], Any]) -> Callable[[_Loader, Any], Any]:
    def number(loader: _Loader, node: Any) -> Any:
        """A number, unless YAML 1.1 reads it in another way than people do."""
        value, text = construct(loader, node), str(node.value)
        digits = text.lstrip("+-").replace("_", "")
        if ":" in text:
            return layout.Odd(text, value, f"YAML reads it in sixties, as {value:g}: write the number itself")
        if digits.isdecimal() and digits.startswith("0") and value >= 8:
            return layout.Odd(text, value, f"YAML reads it as octal, {value}: write it without a 0 in front")
        return value

    return number


_Loader.add_constructor("tag:yaml.org,2002:bool", _word)
_Loader.add_constructor("tag:yaml.org,2002:int", _number(yaml.SafeLoader.construct_yaml_int))
_Loader.add_constructor("tag:yaml.org,2002:float", _number(yaml.SafeLoader.construct_yaml_float))


class _Walk:
    """Notes the line of every key and every item of a list, and refuses what YAML would accept.

    That is a key that is given twice (YAML would silently keep the last), and aliases that grow or contain themselves.

    Args:
        loader: Gives the value of a key: `0x1` and `1` are the same.
        lines: Takes the line of each key, and of each item by its number.
        source: The file, for messages.
    """

    def __init__(self, loader: _Loader, lines: dict[mappings.Path, int], source: str) -> None:
        self._loader = loader
        self._lines = lines
        self._source = source
        self._nodes = 0
        # The nodes around the present one.
        self._open: set[int] = set()

    def root(self, node: yaml.Node) -> None:
        """Checks a whole document."""
        self._node(node, (), merged=False)

    def _node(self, node: Any, path: mappings.Path, merged: bool) -> None:
        self._nodes += 1
        if self._nodes > _NODES:
            raise self._refused("more than a configuration can be", node)
        if id(node) in self._open:
            raise self._refused("an alias inside what it stands for", node)
        if len(self._open) >= _DEPTH:
            raise self._refused("nested too deeply", node)
        self._open.add(id(node))
        if isinstance(node, yaml.MappingNode):
            self._mapping(node, path, merged)
        elif isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                below = (*path, str(index))
                self._note(below, item, merged)
                self._node(item, below, merged)
        self._open.discard(id(node))

    def _mapping(self, node: Any, path: mappings.Path, merged: bool) -> None:
        own: set[Any] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise self._refused("a key that is not a text", key)
            line = key.start_mark.line + 1
            if key.tag in _NAMES:
                key.tag = _TEXT
            name = key.value if key.tag in (_TEXT, _MERGE) else self._loader.construct_object(key)
            if not isinstance(name, Hashable):
                raise self._refused("a key that is not a text", key)  # `? !!set`
            below = (*path, name_of(name))
            if name in own:
                raise ConfigurationError(
                    source=self._source, key=mappings.shown(below), value=name, allowed="given once only", line=line
                )
            own.add(name)
            if key.tag == _MERGE:
                # Its keys become keys of this mapping, and those of this mapping win.
                sources = value.value if isinstance(value, yaml.SequenceNode) else [value]
                for source in sources:
                    self._node(source, path, merged=True)
                continue
            self._note(below, key, merged)
            self._node(value, below, merged)

    def _note(self, path: mappings.Path, node: Any, merged: bool) -> None:
        line = node.start_mark.line + 1
        if merged:
            self._lines.setdefault(path, line)
        else:
            self._lines[path] = line

    def _refused(self, problem: str, node: Any) -> Exception:
        error: Exception = yaml.composer.ComposerError(None, None, problem, node.start_mark)
        return error
