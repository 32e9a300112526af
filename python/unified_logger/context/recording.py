"""Tells the flight recorder what becomes of traces: the option `recorder`."""

from __future__ import annotations

from .. import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .._core import Context

# The header by which a request asks for all records of its trace.
HEADER = "x-debug-log"
_LONGEST_REASON = 200

is_on = False
_is_secret: Callable[[str], bool] | None = None


def configure(on: bool, secret: str | None) -> None:
    """Says whether traces are recorded, and what a request has to send to have its records written.

    Args:
        on: Whether they are.
        secret: The value of the header; None for none that counts.
    """
    global is_on, _is_secret
    is_on, _is_secret = on, None
    if secret is not None:
        from hmac import compare_digest  # Only programs with a secret pay for this import.

        wanted = secret.strip(" \t").encode("utf-8", "replace")

        def is_secret(given: str) -> bool:
            # In the same time whatever was sent. Servers give the bytes of a header as letters of latin-1.
            given = given.strip(" \t")
            forms = (given.encode("utf-8", "replace"), given.encode("latin-1", "replace"))
            as_text, as_bytes = (compare_digest(form, wanted) for form in forms)
            return as_text or as_bytes

        _is_secret = is_secret


def entered(context: Context, outer: Context | None) -> bool:
    """Tells that a scope is entered.

    Args:
        context: The context of the scope.
        outer: The context around it in this thread or task, of a scope of this library; None for none.

    Returns:
        Whether its trace goes on until it is left. `left` is to be called then.
    """
    return _core.enter_recording(context, outer)


def left(context: Context, error: BaseException | None, inside: Context | None) -> None:
    """Tells that a scope is left: what was recorded of its trace is written or forgotten.

    Args:
        context: The context of the scope.
        error: The exception that leaves it.
        inside: The context that was current at its end.
    """
    _core.leave_recording(context, isinstance(error, Exception), inside)


def write(context: Context, reason: str) -> None:
    """Has what is recorded of a request written, and all that follows.

    Args:
        context: Its context.
        reason: Why, for the log.
    """
    _core.write_recording(context, reason)
    # The application may have set another trace.
    inside = _core.current_context()
    if inside is not None and inside.trace_id != context.trace_id:
        _core.write_recording(inside, reason)


def asks(headers: Mapping[str, str]) -> bool:
    """Whether a request asks for its records with the right secret.

    Args:
        headers: Its headers, by lower-case name.
    """
    given = headers.get(HEADER)
    return is_on and _is_secret is not None and given is not None and _is_secret(given)


def keep_trace(reason: str = "asked") -> bool:
    """Writes what the flight recorder holds of the running trace, and from now on all of its records from the level `recorder.level` on.

    Args:
        reason: Why. The record that tells of it has this text.

    Returns:
        Whether the trace is recorded. False where the option `recorder` is off, and without a trace.
    """
    current = _core.current_context()
    shown = str(reason)[:_LONGEST_REASON].encode("utf-8", "replace").decode("utf-8")
    return current is not None and _core.write_recording(current, shown)
