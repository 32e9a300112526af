"""What an option and a section are. Each option stands in the section of the room that it belongs to, see `sections`."""

from __future__ import annotations

from . import mappings
from .kinds import Kind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any, ClassVar

    from typing_extensions import dataclass_transform

    from .mappings import Layout
else:

    def dataclass_transform(**_):  # noqa: D103 - for type checkers only
        return lambda kind: kind


@dataclass_transform(frozen_default=True)
class Frozen:
    """Named values that stay as they were given: what `dataclass(frozen=True)` would make, whose import costs more than all that is here.

    Args:
        *values: In the order in which the class names them.
        **named: By their names. Those that the class gives a value have that otherwise.
    """

    # The names of a class and its bases.
    _fields: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        of_bases = (name for base in cls.__bases__ if issubclass(base, Frozen) for name in base._fields)
        cls._fields = tuple(dict.fromkeys((*of_bases, *vars(cls).get("__annotations__", ()))))

    def __init__(self, *values: Any, **named: Any) -> None:
        # Quick, since the import makes many of these.
        fields = self._fields
        given = dict(zip(fields, values, strict=False)) | named
        is_whole = len(given) == len(fields) or all(name in given or hasattr(type(self), name) for name in fields)
        if not is_whole or len(values) + len(named) != len(given) or not given.keys() <= {*fields}:
            raise TypeError(f"{type(self).__name__} has {', '.join(fields)}")
        vars(self).update(given)

    @classmethod
    def fields(cls) -> tuple[str, ...]:
        """The names, those of its bases first."""
        return cls._fields

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{name} stays as it is")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    __hash__ = None  # type: ignore[assignment] # as with any object that is compared by what it holds


def flat(name: str, value: Any, expected: Any = None) -> Iterator[tuple[str, Any]]:
    """What is told of a value: the parts of a mapping, or of named values, each by itself.

    Args:
        name: What it is called.
        value: It.
        expected: Its kind or its layout, where it has one.
    """
    if isinstance(value, (dict, Frozen)):
        for key, below in (value if isinstance(value, dict) else vars(value)).items():
            further = expected.get(key, expected.get("*")) if isinstance(expected, dict) else None
            yield from flat(f"{name}.{key}", below, further)
    else:
        yield name, expected.reported(value) if isinstance(expected, Kind) else value


class Option:
    """One option.

    Args:
        kind: What its values are.
        default: Its value when nothing is given.
        what: What it does, in a sentence.
        environment: Its older environment variable; `UNIFIED_LOGGER_<NAME>` works for every option.
        file: Where it stands in a file, with dots between blocks and keys; where several are there, the last of them counts. By default it is
            a key at the top.
        layout: Gives the layout of its value, where that is a mapping: of keys to kinds, or to the layouts of blocks below, and "*" for any
            further key. A value is then parsed down to the leaves, wherever it is given, and in a file an error names the line of its key.
        hidden: Whether its value is nobody's business: a reload tells that it is another, and not which.
        kept: Whether a file that is read because it changed does not take it away by leaving it out: it may be half written. For one that is a
            key at the top of a file.
        reported_as: What a reload tells of instead when it is another: an option that is hidden too, or what is derived of it.
    """

    # As an argument, and as a key at the top of a file.
    name: str

    def __init__(
        self,
        kind: Kind,
        default: Any,
        what: str,
        environment: str | None = None,
        file: tuple[str, ...] = (),
        *,
        layout: Callable[[], Layout] | None = None,
        hidden: bool = False,
        kept: bool = False,
        reported_as: str | None = None,
    ) -> None:
        self.kind = kind
        self.default = default
        self.help = what
        self.environment = environment
        self.file = file
        self.layout = layout
        self.hidden = hidden
        self.kept = kept
        self.reported_as = reported_as

    def __set_name__(self, _: type, name: str) -> None:
        self.name = name
        self.file = self.file or (name,)

    @property
    def variables(self) -> tuple[str, ...]:
        """Environment variables, the one that wins first."""
        own = f"UNIFIED_LOGGER_{self.name.upper()}"
        return (own,) if self.environment is None else (own, self.environment)

    def parse(self, value: Any) -> Any:
        """Takes a value of a program or of YAML; raises as its kind does."""
        return self._whole(self.kind.parse(value))

    def parse_text(self, text: str) -> Any:
        """Takes the text of an environment variable."""
        return self._whole(self.kind.parse_text(text))

    def _whole(self, value: Any) -> Any:
        return value if self.layout is None or not isinstance(value, dict) else mappings.parse(value, self.layout())

    def reported(self, value: Any) -> Iterator[tuple[str, Any]]:
        """What a reload tells of a value, by dotted names: a mapping key by key."""
        if not self.hidden and self.reported_as is None:
            yield from flat(self.name, value, self.kind if self.layout is None else self.layout())

    def in_file(self, config: Mapping[str, Any]) -> Any:
        """What a file says; where two places disagree, the last that it names. None where it says nothing."""
        found = None
        for place in self.file:
            *blocks, key = place.split(".")
            block = config
            for name in blocks:
                block = block.get(name) or {}
            value = block.get(key)
            found = found if value is None else value
        return found

    def variable(self, environ: Mapping[str, str]) -> str | None:
        """The variable that gives it. An empty one is as good as none: shells and compose files set them so."""
        return next((name for name in self.variables if environ.get(name, "").strip()), None)


def option(
    kind: Kind,
    default: Any,
    what: str,
    environment: str | None = None,
    file: tuple[str, ...] = (),
    *,
    layout: Callable[[], Layout] | None = None,
    hidden: bool = False,
    kept: bool = False,
    reported_as: str | None = None,
) -> Any:
    """An option of a section, as `Option`: stands where a class gives a name its value."""
    return Option(
        kind, default, what, environment, file, layout=layout, hidden=hidden, kept=kept, reported_as=reported_as
    )


class Derived:
    """What is worked out of options.

    Args:
        reported: Gives what a reload tells of it when it is another: values by names, or mappings of them. By default nothing.
    """

    def __init__(self, reported: Callable[[Any], Mapping[str, Any]] | None = None) -> None:
        self._reported = reported

    def reported(self, value: Any) -> Iterator[tuple[str, Any]]:
        """What is told of a value, by dotted names."""
        for name, below in self._reported(value).items() if self._reported else ():
            yield from flat(name, below)


def derived(reported: Callable[[Any], Mapping[str, Any]] | None = None) -> Any:
    """Stands where a section names what is worked out of options, as `Derived`."""
    return Derived(reported)


class Given:
    """What was given, as a section sees it that works something out of it.

    Args:
        source: The configuration file, for messages.
        has_file: Whether logging is started from a file.
        by_handler: Whether a handler starts logging that others make.
        blocks: What the file holds.
        file: The options that it gives.
        environment: The options that the environment gives, each with the name of its variable.
        arguments: The options that the program gives.
    """

    def __init__(
        self,
        source: str,
        has_file: bool,
        by_handler: bool,
        blocks: Mapping[str, Any],
        file: Mapping[str, Any],
        environment: Mapping[str, tuple[str, Any]],
        arguments: Mapping[str, Any],
    ) -> None:
        self.source = source
        self.has_file = has_file
        self.by_handler = by_handler
        self.blocks = blocks
        self.file = file
        self.environment = environment
        self.arguments = arguments
        # The value of every option, and what the sections before this one have worked out.
        self.values: dict[str, Any] = {}
        # Sentences to be logged once, at WARNING.
        self.notices: list[str] = []

    def has(self, name: str) -> bool:
        """Whether anything gives an option."""
        return name in self.file or self.above_file(name)

    def above_file(self, name: str) -> bool:
        """Whether an option is given by what outranks the file."""
        return name in self.environment or name in self.arguments

    def each(self, name: str) -> Iterator[tuple[str, Any]]:
        """What each source says of an option, with its name for messages; the one that wins comes last."""
        if name in self.file:
            yield self.source, self.file[name]
        if name in self.environment:
            variable, value = self.environment[name]
            yield f"environment variable {variable}", value
        if name in self.arguments:
            yield "argument", self.arguments[name]

    def source_of(self, name: str) -> str:
        """Where the value of an option stands, for messages; a default is never wrong."""
        return [self.source, *(source for source, _ in self.each(name))][-1]

    def block(self, *path: str) -> Mapping[str, Any]:
        """A block of the file, by the keys that lead to it; empty where there is none."""
        found: Any = self.blocks
        for key in path:
            found = found.get(key) or {}
        return found  # type: ignore[no-any-return] # a block, as the layout has it

    def add_notice(self, notice: str) -> None:
        """Has a sentence logged once, at WARNING, when logging has started."""
        self.notices.append(notice)


class Section(Frozen):
    """Options of one room: each a name with its type and an `option`, or `derived`."""

    @classmethod
    def options(cls) -> list[Option]:
        """Its options, in their order."""
        return [value for value in vars(cls).values() if isinstance(value, Option)]

    def reported(self) -> dict[str, Any]:
        """What a reload compares, by dotted names: values first, then those that have parts."""
        fields = [getattr(type(self), name).reported(getattr(self, name)) for name in self.fields()]
        found = dict(pair for field in fields for pair in field)
        return dict(sorted(found.items(), key=lambda pair: pair[0].partition(".")[0] if "." in pair[0] else ""))

    @classmethod
    def blocks(cls) -> Layout:
        """Blocks of a file that it understands besides its options, by their names at the top, each with its layout."""
        return {}

    @classmethod
    def settle(cls, given: Given) -> Mapping[str, Any]:
        """Works out what is `derived`, and checks options against each other and against what is around the process.

        Args:
            given: What was given. Each option by itself is checked already.

        Returns:
            The derived values by their names, and options that are to have another value.

        Raises:
            ConfigurationError: What was given does not fit together.
        """
        return {}

    def to_engine(self) -> dict[str, dict[str, Any]]:
        """What the rooms of the engine are to have of it, by their names."""
        return {}
