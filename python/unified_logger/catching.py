"""Logs exceptions of blocks and functions that would otherwise end them."""

from __future__ import annotations

from . import _core, levels
from .context.blocks import around, code_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, TracebackType
    from typing import Any, TypeAlias, TypeVar

    from .logger import UnifiedLogger

    _Function = TypeVar("_Function", bound=Callable[..., Any])
    Exceptions: TypeAlias = type[BaseException] | tuple[type[BaseException], ...]


class Catch:
    """Made by `UnifiedLogger.catch`: `with`, `async with`, or a decorator of functions, coroutines and generators.

    Args:
        logger: The logger of the records.
        exception: The class of the exceptions, or a tuple of classes.
        level: Level of the record, by name or number.
        reraise: Whether the exception is passed on after it was logged.
        default: What a decorated function returns after an exception.
        message: Message of the record.
        onerror: Called with the exception after it was logged.
        exclude: Exceptions of these classes are passed on without a record.

    Raises:
        TypeError: `exception` or `exclude` is not a class of exceptions.
        ValueError: There is no such level.
    """

    __slots__ = ("_default", "_exception", "_exclude", "_level", "_log", "_message", "_onerror", "_reraise")

    def __init__(
        self,
        logger: UnifiedLogger,
        exception: Exceptions = Exception,
        level: int | str = "ERROR",
        reraise: bool = False,
        default: object = None,
        message: str = "exception caught",
        onerror: Callable[[BaseException], object] | None = None,
        exclude: Exceptions | None = None,
    ) -> None:
        for name, given in (("exception", exception), ("exclude", () if exclude is None else exclude)):
            if not all(map(is_exception, given if isinstance(given, tuple) else (given,))):
                raise TypeError(f"{name} must be a class of exceptions or a tuple of classes, not {given!r}")
        number = levels.parse(level)
        # A name stays one: several levels may have one number.
        self._level = level.strip() if isinstance(level, str) and not level.strip().isdecimal() else number
        self._log: Callable[..., None] = logger.log
        self._exception, self._exclude = exception, exclude
        self._reraise, self._default, self._message, self._onerror = reraise, default, message, onerror

    def __enter__(self) -> Catch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        # Until 3.12 the interpreter may give only the class of an exception.
        if error is None or not isinstance(error, self._exception):
            return False
        if self._exclude is not None and isinstance(error, self._exclude):
            return False
        self._log(self._level, self._message, exc_info=error)
        if self._onerror is not None:
            self._onerror(error)
        return not self._reraise

    async def __aenter__(self) -> Catch:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        return self.__exit__(kind, error, traceback)

    def __call__(self, function: _Function) -> _Function:
        """Makes every call of `function` a block of its own.

        Raises:
            TypeError: `function` is a class.
        """
        if isinstance(function, type):
            # A function in its place would be no class, and exceptions of its methods would pass all the same.
            raise TypeError(f"catch decorates functions and methods, not the class {function.__qualname__}")
        inside = _Decorator(self, function)
        return around(function, lambda: inside, self._default)


class _Decorator(Catch):
    """The same for a decorated function: records name its definition."""

    __slots__ = ()

    def __init__(self, catch: Catch, function: Any) -> None:
        for name in Catch.__slots__:
            setattr(self, name, getattr(catch, name))
        code = code_of(function)
        if code is not None:
            self._log = _log_at(code, self._log)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        if error is not None and traceback is not None and traceback.tb_next is not None:
            # The first frame is that of the wrapper, which tells nothing.
            error.__traceback__ = traceback.tb_next
        return super().__exit__(kind, error, traceback)


def is_exception(given: object) -> bool:
    """Whether something is a class of exceptions, or a tuple, which may hold such classes."""
    return isinstance(given, tuple) or (isinstance(given, type) and issubclass(given, BaseException))


def _log_at(code: CodeType, log: Callable[..., None]) -> Callable[..., None]:
    """A function that logs as if it stood where `code` is defined: a record names the frame that logs."""
    # On one line, so that the call has the first line of the code.
    at: Any = lambda *args, **kwargs: log(*args, **kwargs)  # noqa: E731
    at.__code__ = at.__code__.replace(
        co_filename=code.co_filename, co_name=code.co_name, co_firstlineno=code.co_firstlineno
    )
    return at  # type: ignore[no-any-return]


for _method in (Catch.__exit__, Catch.__aexit__, _Decorator.__exit__):
    _core.mark_wrapper(_method.__code__)
