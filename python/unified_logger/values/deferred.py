"""Values that are worked out only if a record is made."""

from __future__ import annotations

from .failed import describe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, ParamSpec

    _P = ParamSpec("_P")


class lazy:  # noqa: N801 - used as a function is
    """A value for a record that is worked out only if the record is made: a field, an argument of a message, or a message.

    The function is called once, by the thread that logs, before the logging call returns. A second record with the same object has
    the same value. If the function raises, a description of the exception stands in place of the value.

    Args:
        function: Returns the value, of any type.
        *args: Its arguments.
        **kwargs: Its arguments by name.
    """

    __slots__ = ("_call", "_failure", "_value")

    def __init__(self, function: Callable[_P, Any], /, *args: _P.args, **kwargs: _P.kwargs) -> None:
        self._call: tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]] | None = (function, args, kwargs)
        self._value: Any = "<lazy value is being worked out>"
        self._failure: Exception | None = None

    def __str__(self) -> str:
        return str(self._shown())

    def __repr__(self) -> str:
        return repr(self._shown())

    def __format__(self, spec: str) -> str:
        return format(self._shown(), spec)

    # `%d`, `%x` and `%f` ask for these.
    def __int__(self) -> int:
        return int(self._shown())

    def __index__(self) -> int:
        return self._shown().__index__()  # type: ignore[no-any-return]

    def __float__(self) -> float:
        return float(self._shown())

    # `{user.name}` and `{user[name]}` ask for these.
    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # Not of the value: other code asks every object for these.
            raise AttributeError(f"a lazy value has no attribute {name!r}")
        return getattr(self._shown(), name)

    def __getitem__(self, key: object) -> Any:
        return self._shown()[key]

    # Without this, a lazy value would be iterated by its items.
    __iter__ = None

    def __reduce__(self) -> tuple[Any, ...]:
        # Another process gets the value: the function is often one that cannot be sent.
        return _same, (self._shown(),)

    def _shown(self) -> Any:
        """The value, or a text about the failure."""
        try:
            return self._get()
        except Exception as error:
            return f"<lazy value failed: {describe(error)}>"

    def _get(self) -> Any:
        """The value. The function is called at the first time only, and so is not called by what it logs itself."""
        call, self._call = self._call, None
        if call is not None:
            function, args, kwargs = call
            try:
                self._value = function(*args, **kwargs)
            except Exception as error:
                self._failure = error.with_traceback(None)
            except BaseException:  # For the program: the value is still to be worked out.
                self._call = call
                raise
        if self._failure is not None:
            raise self._failure
        return self._value


def _same(value: Any) -> Any:
    return value
