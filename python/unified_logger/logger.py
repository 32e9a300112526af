"""The logger that applications use. Its logging methods are native (`_core.Logger`); the methods here are called less often."""

from __future__ import annotations

import logging

from . import _core, context, values
from .catching import Catch, is_exception
from .context.packing import Unchanging, packed, unpacked
from .patching import Patchable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Literal, TypeVar, overload

    from .catching import Exceptions

    _Function = TypeVar("_Function", bound=Callable[..., Any])


# Stands for a message that was not given by position.
_UNSAID: Any = object()


class UnifiedLogger(_core.Logger, Patchable, Unchanging):
    """Logs structured records under a name. Made by `get_logger`.

    `debug`, `info`, `warning`, `error`, `critical`, `exception` and `log` take a message, arguments for it in the logger's style, and fields
    as keywords. Only `exc_info`, `stack_info`, `stacklevel` and `extra` (a mapping, merged as fields) are parameters. Every other keyword
    is a field. One exception is `msg`: without a positional message it is the message.

    `logger` is the `logging.Logger` of the same name: its level decides.

    A copy of it is the logger itself, as with the loggers of `logging`. Unpickled in another process it is the logger of this name there.
    """

    __slots__ = ()

    def bind(self, /, **fields: object) -> UnifiedLogger:
        """A logger of the same name whose records all have these fields. This one stays as it is.

        Values are captured once, now. A field of the call wins over a bound field of the same name, and a bound field over one of the context.

        Args:
            **fields: Fields of every record, in addition to those that are bound already.

        Returns:
            The new logger.
        """
        return _BoundLogger(self.name, self.logger, _home(self), {**self.bound_fields, **fields})

    def unbind(self, *names: str) -> UnifiedLogger:
        """A logger of the same name without some bound fields.

        Args:
            *names: Fields to leave out; names that are not bound are ignored. Without any name all bound fields are left out.

        Returns:
            The new logger.
        """
        kept = {name: value for name, value in self.bound_fields.items() if names and name not in names}
        return _BoundLogger(self.name, self.logger, _home(self), kept) if kept else _home(self)

    if TYPE_CHECKING:
        # A message is required, by position or by name.
        @overload
        def ai(
            self,
            message: str,
            /,
            *,
            model: str | None = None,
            prompt: object = None,
            response: object = None,
            latency_ms: float | None = None,
            prompt_tokens: int | None = None,
            completion_tokens: int | None = None,
            error: BaseException | str | None = None,
            **fields: object,
        ) -> None: ...

        @overload
        def ai(
            self,
            *,
            msg: str,
            model: str | None = None,
            prompt: object = None,
            response: object = None,
            latency_ms: float | None = None,
            prompt_tokens: int | None = None,
            completion_tokens: int | None = None,
            error: BaseException | str | None = None,
            **fields: object,
        ) -> None: ...

    def ai(  # type: ignore[misc] # `msg` comes among the fields
        self,
        message: str = _UNSAID,
        /,
        *,
        model: str | None = None,
        prompt: object = None,
        response: object = None,
        latency_ms: float | None = None,
        prompt_tokens: int | None = None,
        completion_tokens: int | None = None,
        error: BaseException | str | None = None,
        **fields: object,
    ) -> None:
        """Logs an answer of a model, at INFO, or at ERROR with `error`. It goes to `ai_responses.log` too.

        The names of fields are those of OpenTelemetry's semantic conventions for generative AI, if these have one.

        Args:
            message: What happened. By name it is `msg`, as in `logging`.
            model: `gen_ai.request.model`.
            prompt: `gen_ai.prompt`.
            response: `gen_ai.completion`.
            latency_ms: `gen_ai.latency_ms`, milliseconds.
            prompt_tokens: `gen_ai.usage.input_tokens`.
            completion_tokens: `gen_ai.usage.output_tokens`.
            error: `gen_ai.error`; an exception is logged with its traceback.
            **fields: Further fields.
        """
        if message is _UNSAID:
            if "msg" not in fields:
                raise TypeError("ai() needs a message")
            message = fields.pop("msg")  # type: ignore[assignment] # of any type, as by position
        given = {
            "gen_ai.request.model": model,
            "gen_ai.prompt": prompt,
            "gen_ai.completion": response,
            "gen_ai.latency_ms": latency_ms,
            "gen_ai.usage.input_tokens": prompt_tokens,
            "gen_ai.usage.output_tokens": completion_tokens,
        }
        named: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        exception = error if isinstance(error, BaseException) else None
        if error is not None:
            named["gen_ai.error"] = error if exception is None else values.describe(exception)
        level = logging.INFO if error is None else logging.ERROR
        _core.log_ai(self, level, message, named | fields, exception)

    if TYPE_CHECKING:

        @overload
        def catch(self, function: _Function, /) -> _Function: ...

        @overload
        def catch(
            self,
            exception: Exceptions = Exception,
            *,
            level: int | str = "ERROR",
            reraise: bool = False,
            default: object = None,
            message: str = "exception caught",
            onerror: Callable[[BaseException], object] | None = None,
            exclude: Exceptions | None = None,
        ) -> Catch: ...

    def catch(
        self,
        exception: Any = Exception,
        *,
        level: int | str = "ERROR",
        reraise: bool = False,
        default: object = None,
        message: str = "exception caught",
        onerror: Callable[[BaseException], object] | None = None,
        exclude: Exceptions | None = None,
    ) -> Any:
        """Logs exceptions of a block or of a function, and ends them: `with logger.catch():`, `@logger.catch` or `@logger.catch(…)`.

        The record names the `with` line, or the definition of the function. It has the exception with its frames.

        Args:
            exception: The class of the exceptions, or a tuple of classes.
            level: Level of the record, by name or number.
            reraise: Whether the exception is passed on after it was logged.
            default: What a decorated function returns after an exception.
            message: Message of the record.
            onerror: Called with the exception after it was logged.
            exclude: Exceptions of these classes are passed on without a record.

        Returns:
            A context manager, which is also a decorator; or the decorated function.

        Raises:
            TypeError: `exception` or `exclude` is not a class of exceptions.
            ValueError: There is no such level.
        """
        if (callable(exception) and not is_exception(exception)) or isinstance(exception, (staticmethod, classmethod)):
            return Catch(self)(exception)
        return Catch(self, exception, level, reraise, default, message, onerror, exclude)

    # Libraries, `logging.LoggerAdapter` among them, use these of a logger that they get. They are those of the `logging.Logger` of this name.

    @property
    def level(self) -> int:
        """The level that is set on this logger; 0 if it inherits its level."""
        return self.logger.level

    @property
    def handlers(self) -> list[logging.Handler]:
        """The handlers of this logger in `logging`."""
        return self.logger.handlers

    @property
    def manager(self) -> logging.Manager:
        """The object in which `logging` keeps all loggers."""
        return self.logger.manager

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - as `logging` has it
        """Whether a record of this level would be logged.

        Args:
            level: The level's number.
        """
        return self.logger.isEnabledFor(level)

    def getEffectiveLevel(self) -> int:  # noqa: N802
        """The level that decides: of this logger, or of the nearest parent that has one."""
        return self.logger.getEffectiveLevel()

    def setLevel(self, level: int | str) -> None:  # noqa: N802
        """Sets the level. `set_level` does the same, also by name or for a time, and logs the change.

        Args:
            level: By number or name.

        Raises:
            ValueError: There is no level of this name.
            TypeError: The level is neither a number nor a text.
        """
        self.logger.setLevel(level)

    def hasHandlers(self) -> bool:  # noqa: N802
        """Whether a handler of `logging` sees the records of this logger."""
        return self.logger.hasHandlers()

    def getChild(self, suffix: str) -> UnifiedLogger:  # noqa: N802
        """The logger below this one.

        Args:
            suffix: The rest of its name, after the name of this logger.
        """
        return get_logger(self.logger.getChild(suffix).name, self.style)

    def set_trace_context(self, /, trace_id: str | None = None, span_id: str | None = None, **fields: object) -> None:
        """Sets ids and fields of the running request, for all loggers: see `unified_logger.context`.

        Args:
            trace_id: Kept as it is; None keeps the scope's, or begins a new trace outside a scope.
            span_id: Kept as it is; None keeps the scope's, or begins a new span outside a scope.
            **fields: Fields of every record in this context.
        """
        context.set_trace_context(trace_id, span_id, **fields)

    def get_trace_context(self) -> dict[str, Any]:
        """Ids and fields of the running request, by their names; empty if there is none."""
        return context.get_trace_context()

    def clear_trace_context(self) -> None:
        """Forgets ids and fields of the running request."""
        context.clear_trace_context()

    def __reduce__(self) -> tuple[Any, ...]:
        name = _name(self)
        if get_logger(name, self.style) is not self:
            from pickle import PicklingError

            raise PicklingError(f"logger {name!r} cannot be pickled: it is not the one that get_logger gives")
        return get_logger, (name,) if self.style is None else (name, self.style)


_core.mark_wrapper(UnifiedLogger.ai.__code__)
# A record names the caller of an adapter, not the adapter.
for _method in ("debug", "info", "warning", "error", "exception", "critical", "log"):
    _core.mark_wrapper(getattr(logging.LoggerAdapter, _method).__code__)


class _BoundLogger(UnifiedLogger):
    """The result of `bind`. It has other native methods, so that loggers without bound fields pay nothing for them."""

    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        given = (_name(self), packed(self.bound_fields))
        return _bound, given if self.style is None else (*given, self.style)


_core.attach_bound_methods(_BoundLogger)


def _name(logger: UnifiedLogger) -> str:
    """The name by which `get_logger` finds it."""
    name: str = "" if logger.logger is logging.root else logger.logger.name
    return name


def _home(logger: UnifiedLogger) -> UnifiedLogger:
    """The logger of the same name and style without bound fields."""
    return get_logger(_name(logger), logger.style)


def _bound(name: str, fields: dict[str, str], style: Literal["%", "{"] | None = None) -> UnifiedLogger:
    """A bound logger that is unpickled."""
    return get_logger(name, style).bind(**unpacked(fields))


# Those without a style of their own by name, the others by name and style.
_loggers: dict[str | tuple[str, str], UnifiedLogger] = {}


def get_logger(name: str | None = None, style: Literal["%", "{"] | None = None) -> UnifiedLogger:
    """The logger of this name. The same name and style always give the same logger.

    Args:
        name: Dotted, as in `logging`; None or "" is the root logger.
        style: How messages take their arguments: "%" or "{", as `str.format` does. None is the option `message_style`, "%" by default.

    Returns:
        The logger. It may be used before `init_logging` and after `shutdown_logging`.

    Raises:
        TypeError: The name is not a text.
        ValueError: There is no such style.
    """
    given = name or ""
    found = _loggers.get(given if style is None else (given, style))
    if found is not None:
        return found
    logger = logging.getLogger(name)
    # Two threads may come here at once; both get the first logger. The root logger has two names.
    own = "" if logger is logging.root else logger.name
    new = UnifiedLogger(logger.name, logger, style=style)
    one = _loggers.setdefault(own if style is None else (own, style), new)
    return _loggers.setdefault(given if style is None else (given, style), one)
