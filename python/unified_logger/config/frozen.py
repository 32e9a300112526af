"""What `dataclass(frozen=True)` would make: that module costs an import more than all that is here."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar

    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_):  # noqa: D103 - for type checkers only
        return lambda kind: kind


@dataclass_transform(frozen_default=True)
class Frozen:
    """Named values that stay as they were given.

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
