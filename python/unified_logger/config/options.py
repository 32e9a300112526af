"""Options and sections. Each option is in the section of its room, see `sections`."""

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
    """Named values that cannot be changed: like `dataclass(frozen=True)`, whose import would take longer than this whole package.

    Args:
        *values: In the order in which the class names them.
        **named: By name. A name that is not given has its value from the class.
    """

    # The names of a class and its bases.
    _fields: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        of_bases = (name for base in cls.__bases__ if issubclass(base, Frozen) for name in base._fields)
        cls._fields = tuple(dict.fromkeys((*of_bases, *vars(cls).get("__annotations__", ()))))

    def __init__(self, *values: Any, **named: Any) -> None:
        # Fast, because the import makes many of these.
        fields = self._fields
        given = dict(zip(fields, values, strict=False)) | named
        is_whole = len(given) == len(fields) or all(name in given or hasattr(type(self), name) for name in fields)
        if not is_whole or len(values) + len(named) != len(given) or not given.keys() <= {*fields}:
            raise TypeError(f"{type(self).__name__} has {', '.join(fields)}")
        vars(self).update(given)

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """The names, those of its bases first."""
        return cls._fields

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{name} stays as it is")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    __hash__ = None  # type: ignore[assignment] # as with any object that is compared by what it holds


def flat(name: str, value: Any, expected: Any = None) -> Iterator[tuple[str, Any]]:
    """The values that a reload compares, by dotted names: each part of a mapping, or of named values, by itself.

    Args:
        name: The name of the value.
        value: The value.
        expected: Its kind or its layout, if it has one.
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
        kind: The kind of its values.
        default: Its value if nothing is given.
        what: What it does, in a sentence.
        environment: Its older environment variable; `UNIFIED_LOGGER_<NAME>` works for every option.
        file: Its keys in a file, with dots between blocks and keys. If several are present, the last of them counts. By default it is a key
            at the top.
        layout: Gives the layout of its value, if that is a mapping: of keys to kinds, or to the layouts of blocks below, and "*" for any
            further key. A value is then parsed down to the leaves, wherever it is given, and in a file an error names the line of its key.
        hidden: Whether its value must not be shown: a reload reports that it has changed, and not the values.
        kept: Whether it keeps its value if a file that was read because it changed leaves it out: the file may be half written. For an
            option that is a key at the top of a file.
        reported_as: The name under which a reload reports a change instead: another hidden option, or a derived value.
        null: What a null in a file stands for. By default its kind decides whether null is allowed, and it counts as not given.
    """

    # The name as an argument, and as a key at the top of a file.
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
        null: str | None = None,
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
        self.null = null

    def __set_name__(self, _: type, name: str) -> None:
        self.name = name
        self.file = self.file or (name,)

    @property
    def variables(self) -> tuple[str, ...]:
        """Its environment variables, the one that wins first."""
        own = f"UNIFIED_LOGGER_{self.name.upper()}"
        return (own,) if self.environment is None else (own, self.environment)

    def parse(self, value: Any) -> Any:
        """Parses a value of a program or of YAML; raises as its kind does."""
        return self._whole(self.kind.parse(value))

    def parse_text(self, text: str) -> Any:
        """Parses the text of an environment variable; raises as its kind does."""
        return self._whole(self.kind.parse_text(text))

    def _whole(self, value: Any) -> Any:
        return value if self.layout is None or not isinstance(value, dict) else mappings.parse(value, self.layout())

    def reported(self, value: Any) -> Iterator[tuple[str, Any]]:
        """The values that a reload compares, by dotted names: a mapping key by key."""
        if not self.hidden and self.reported_as is None:
            yield from flat(self.name, value, self.kind if self.layout is None else self.layout())

    def in_file(self, config: Mapping[str, Any]) -> Any:
        """Its value in a file, or None. If two keys of the file disagree, the last in `file` wins."""
        found = None
        for place in self.file:
            *blocks, key = place.split(".")
            block = config
            for name in blocks:
                block = block.get(name) or {}
            value = block.get(key)
            if value is None and key in block:
                value = self.null
            found = found if value is None else value
        return found

    def variable(self, environ: Mapping[str, str]) -> str | None:
        """The name of the variable that gives it, or None. An empty variable counts as not set: shells and compose files set empty ones."""
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
    null: str | None = None,
) -> Any:
    """An option of a section, see `Option`. The class assigns it to the option's name."""
    return Option(
        kind,
        default,
        what,
        environment,
        file,
        layout=layout,
        hidden=hidden,
        kept=kept,
        reported_as=reported_as,
        null=null,
    )


class Derived:
    """A value that is worked out from options.

    Args:
        reported: Gives the values that a reload compares: by names, or as mappings of them. By default nothing.
    """

    def __init__(self, reported: Callable[[Any], Mapping[str, Any]] | None = None) -> None:
        self._reported = reported

    def reported(self, value: Any) -> Iterator[tuple[str, Any]]:
        """The values that a reload compares, by dotted names."""
        for name, below in self._reported(value).items() if self._reported else ():
            yield from flat(name, below)


def derived(reported: Callable[[Any], Mapping[str, Any]] | None = None) -> Any:
    """A value that a section works out from options, see `Derived`. The class assigns it to the value's name."""
    return Derived(reported)


class Given:
    """All that was given, for a section that works out its values.

    Args:
        source: The configuration file, for messages.
        has_file: Whether logging is started from a file.
        by_handler: Whether logging is started by a handler that the application makes.
        blocks: The content of the file.
        file: The options that the file gives.
        environment: The options that the environment gives, each with the name of its variable.
        arguments: The options that the program gives.
        environ: The environment itself, for variables that others have named.
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
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.environ = environ or {}
        self.source = source
        self.has_file = has_file
        self.by_handler = by_handler
        self.blocks = blocks
        self.file = file
        self.environment = environment
        self.arguments = arguments
        # The value of every option, and the values that earlier sections have worked out.
        self.values: dict[str, Any] = {}
        # Sentences to be logged once, at WARNING.
        self.notices: list[str] = []

    def has(self, name: str) -> bool:
        """Whether any source gives an option."""
        return name in self.file or self.above_file(name)

    def above_file(self, name: str) -> bool:
        """Whether an option is given by a source that outranks the file."""
        return name in self.environment or name in self.arguments

    def each(self, name: str) -> Iterator[tuple[str, Any]]:
        """The value of an option in each source, with the name of the source for messages; the winner comes last."""
        if name in self.file:
            yield self.source, self.file[name]
        if name in self.environment:
            variable, value = self.environment[name]
            yield f"environment variable {variable}", value
        if name in self.arguments:
            yield "argument", self.arguments[name]

    def source_of(self, name: str) -> str:
        """The name of the source that gives an option, for messages. A default is never wrong."""
        return [self.source, *(source for source, _ in self.each(name))][-1]

    def block(self, *path: str) -> Mapping[str, Any]:
        """A block of the file, by the keys that lead to it; empty if there is none."""
        found: Any = self.blocks
        for key in path:
            found = found.get(key) or {}
        return found  # type: ignore[no-any-return] # a block, as the layout has it

    def add_notice(self, notice: str) -> None:
        """Has a sentence logged once, at WARNING, when logging has started."""
        self.notices.append(notice)


class Section(Frozen):
    """Options of one room: a class assigns an `option`, or `derived`, to each name."""

    @classmethod
    def options(cls) -> list[Option]:
        """Its options, in their order."""
        return [value for value in vars(cls).values() if isinstance(value, Option)]

    def reported(self) -> dict[str, Any]:
        """The values that a reload compares, by dotted names: single values first, then those that have parts."""
        fields = [getattr(type(self), name).reported(getattr(self, name)) for name in self.names()]
        found = dict(pair for field in fields for pair in field)
        return dict(sorted(found.items(), key=lambda pair: pair[0].partition(".")[0] if "." in pair[0] else ""))

    @classmethod
    def blocks(cls) -> Layout:
        """Further blocks of a file, by their names at the top, each with its layout."""
        return {}

    @classmethod
    def settle(cls, given: Given) -> Mapping[str, Any]:
        """Works out the `derived` values, and checks options against each other and against the environment of the process.

        Args:
            given: What was given. Each option by itself is checked already.

        Returns:
            The derived values by their names, and options that get another value.

        Raises:
            ConfigurationError: The options do not fit together.
        """
        return {}

    def to_engine(self) -> dict[str, dict[str, Any]]:
        """The settings for rooms of the engine, by the names of the rooms."""
        return {}

    def amended(self, rooms: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """The settings for the engine once all sections have told theirs: for a section that changes what others have.

        Args:
            rooms: Not changed.

        Returns:
            The settings.
        """
        return rooms
