"""What an option is. Each stands in the section of the room that it belongs to, see `sections`."""

from __future__ import annotations

from .frozen import Frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .kinds import Kind


class Option:
    """One option.

    Args:
        kind: What its values are.
        default: Its value when nothing is given.
        what: What it does, in a sentence.
        environment: Its older environment variable; `UNIFIED_LOGGER_<NAME>` works for every option.
        file: Where it stands in a file, with dots between blocks and keys; where several are there, the last of them counts. By default it is
            a key at the top.
    """

    # As an argument, and as a key at the top of a file.
    name: str

    def __init__(
        self, kind: Kind, default: Any, what: str, environment: str | None = None, file: tuple[str, ...] = ()
    ) -> None:
        self.kind = kind
        self.default = default
        self.help = what
        self.environment = environment
        self.file = file

    def __set_name__(self, _: type, name: str) -> None:
        self.name = name
        self.file = self.file or (name,)

    @property
    def variables(self) -> tuple[str, ...]:
        """Environment variables, the one that wins first."""
        own = f"UNIFIED_LOGGER_{self.name.upper()}"
        return (own,) if self.environment is None else (own, self.environment)


def option(kind: Kind, default: Any, what: str, environment: str | None = None, file: tuple[str, ...] = ()) -> Any:
    """An option of a section, as `Option`: stands where a class gives a name its value."""
    return Option(kind, default, what, environment, file)


def derived() -> Any:
    """Stands where a section names what is worked out of options."""


class Section(Frozen):
    """Options of one room: each a name with its type and an `option`, or `derived`."""

    @classmethod
    def options(cls) -> list[Option]:
        """Its options, in their order."""
        return [value for value in vars(cls).values() if isinstance(value, Option)]

    def to_engine(self) -> dict[str, dict[str, Any]]:
        """What the rooms of the engine are to have of it, by their names."""
        return {}
