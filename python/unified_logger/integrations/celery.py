"""Celery: records of its loggers go into the log files, traces go with tasks, and each task has a record at its end."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any
from weakref import WeakSet, WeakValueDictionary

from unified_logger import _core, context, flush_logging, get_logger, init_logging, stdlib, values
from unified_logger.clocks import perf_counter_ns
from unified_logger.context import propagation
from unified_logger.stdlib.marks import mark_captured

from ._outgoing import headers_beside
from ._partner import need

need("celery", "5.3", "celery")

from celery import current_task, signals, states  # noqa: E402
from celery.exceptions import TimeLimitExceeded, WorkerLostError  # noqa: E402
from celery.utils.log import get_multiprocessing_logger  # noqa: E402
from celery.utils.saferepr import saferepr  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from unified_logger.context.trace_formats import Remote

_logger = get_logger("celery.task")
# A child of the pool ends without exit hooks, and a worker that restarts without any: both write before that. Seconds.
_PATIENCE = 5.0
# Messages of tasks that the worker's main process has received and not finished.
_received: WeakValueDictionary[str, Any] = WeakValueDictionary()
# Those of them whose end it has logged: at a time limit Celery tells of the failure when it passes, and when the process is gone.
_ended: WeakSet[Any] = WeakSet()


def install(*, arguments: bool = False) -> None:
    """Connects to Celery's signals, for all applications of the process. A second call changes the option.

    Call it where the application is made, beside `init_logging`. If that was not called, the worker or beat calls it with the options of the
    environment and the defaults when it sets up its logging.

    Args:
        arguments: Whether records have the arguments of tasks: those of Celery, and the record at the end of a task. They are left out
            otherwise, because they are often secrets.
    """
    for signal, function in _CONNECTED:
        signal.connect(function, weak=False)
    logging.getLogger("celery.app.trace").addFilter(_replaced)
    _without_arguments.is_on = not arguments
    for name in _TELLING:
        logging.getLogger(name).addFilter(_without_arguments)


def uninstall() -> None:
    """Reverts `install`."""
    for signal, function in _CONNECTED:
        signal.disconnect(function)
    logging.getLogger("celery.app.trace").removeFilter(_replaced)
    for name in _TELLING:
        logging.getLogger(name).removeFilter(_without_arguments)


class _Run(context.Scope):
    """One run of a task."""

    __slots__ = ("error", "started")

    def __init__(self, current: _core.Context, request: Any) -> None:
        super().__init__(current, request)
        self.error: BaseException | None = None
        self.started = perf_counter_ns()


class _Replaced(logging.Filter):
    """Keeps Celery's own line about the end of a task out of the log files, because a record of this module has it. Others see it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Marks the record as written."""
        data = getattr(record, "data", None)
        if isinstance(data, dict) and current_task:
            request = current_task.request
            if data.get("id") == request.id and context.scope_of(request) is not None:
                mark_captured(record)
        return True


_replaced = _Replaced()


class _WithoutArguments(logging.Filter):
    """Takes the arguments of tasks out of Celery's own records, also for the handlers of others."""

    is_on = True

    def filter(self, record: logging.LogRecord) -> bool:
        """Changes the record."""
        if not self.is_on:
            return True
        data: Any = vars(record).get("data")
        args: Any = record.args
        if isinstance(data, dict):
            record.data = {name: value for name, value in data.items() if name not in _ARGUMENTS}
        if isinstance(args, dict):
            # The text of Celery's settings may name them.
            record.args = {name: _LEFT_OUT if name in _ARGUMENTS else value for name, value in args.items()}
        elif isinstance(args, tuple) and isinstance(record.msg, str):
            for beginning, positions in _BODIES.items():
                if record.msg.startswith(beginning):
                    record.args = tuple(_LEFT_OUT if at in positions else arg for at, arg in enumerate(args))
        return True


_ARGUMENTS = ("args", "kwargs")
_LEFT_OUT = "(left out)"
# The loggers whose records have arguments.
_TELLING = ("celery.worker.strategy", "celery.app.trace", "celery.worker.consumer.consumer", "celery.pool")
# Beginnings of messages about whole messages of the broker, and which of their parts have arguments.
_BODIES = {
    "Received and deleted unknown message": (0,),
    "Received unregistered task": (1, 2),
    "Received invalid task message": (1,),
    "Can't decode message body": (3, 4),
    "TaskPool: Apply": (1, 2),
}
_without_arguments = _WithoutArguments()


def _set_up(**_: Any) -> None:
    """Replaces Celery's own set-up, which would replace the root logger's handlers."""
    if not stdlib.is_installed():
        init_logging()
    # The pool's logger has no handler and does not propagate.
    pool = get_multiprocessing_logger()
    pool.setLevel(logging.ERROR)
    pool.propagate = True


def _publish(headers: Any = None, **_: Any) -> None:
    """Sends the current trace with a task, unless its caller sends one."""
    if not isinstance(headers, dict):
        return
    # A retry is sent with the headers with which the task came.
    old = (current_task.request.headers or {}) if current_task else {}
    there = {name for name in _names() if name in headers}
    given = {name for name in there if headers[name] != old.get(name)}
    for name in there - given:
        del headers[name]
    headers.update(headers_beside(given))


def _names() -> set[str]:
    """The names of all headers in which a trace is sent."""
    settings = propagation.settings()
    return {*settings.wanted, settings.response_header.lower()} - {""}


def _trace_of(headers: Mapping[str, Any] | None) -> Remote | None:
    texts = {name: value for name, value in (headers or {}).items() if isinstance(value, str)}
    found = propagation.extract(texts)
    # An id that is not one of W3C Trace Context is sent alone.
    alone = propagation.from_id(texts.get(propagation.settings().response_header.lower())) if found is None else found
    return alone if found is not None else propagation.with_state(alone, texts)


def _begin(task_id: Any = None, task: Any = None, **_: Any) -> None:
    request = task.request
    fields = {"task": task.name, "task_id": task_id, "retries": request.retries}
    if request.is_eager:
        _Run(context.child(None, None, fields), request)
    else:
        _Run(propagation.begin(_trace_of(request.headers), fields), request)


def _fail(sender: Any = None, task_id: Any = None, exception: Any = None, **_: Any) -> None:
    scope = context.scope_of(sender.request)
    if isinstance(scope, _Run):
        scope.error = exception
    elif isinstance(exception, (TimeLimitExceeded, WorkerLostError)):
        # The main process logs the end of a task whose process died. Celery itself logs the exception.
        request = _received.get(str(task_id))
        if request is not None:
            if request in _ended:
                return
            _ended.add(request)
        headers = {} if request is None else request.request_dict
        fields = {"task": sender.name, "task_id": task_id, "retries": headers.get("retries", 0)}
        scope = context.Scope(propagation.begin(_trace_of(headers), fields))
        try:
            _log_end(scope, logging.ERROR, states.FAILURE, {"error": values.describe(exception)})
        finally:
            scope.leave()


def _end(task: Any = None, retval: Any = None, state: str | None = None, **_: Any) -> None:
    scope = context.scope_of(task.request)
    if not isinstance(scope, _Run):
        return
    try:
        level, ended, fields = _outcome(scope, task, retval, state)
        _log_end(scope, level, ended, fields | _arguments(task.request))
    finally:
        scope.error = None
        scope.leave()


def _outcome(scope: _Run, task: Any, retval: Any, state: str | None) -> tuple[int, str, dict[str, Any]]:
    """Level, state and fields of the record at a task's end."""
    fields: dict[str, Any] = {"duration_ms": (perf_counter_ns() - scope.started) / 1_000_000}
    if state is None:  # An exception that is not an `Exception` passed the task, and ends its process.
        return logging.ERROR, states.FAILURE, fields | {"exc_info": sys.exc_info()[1]}
    if state == states.FAILURE:
        # The signal of a failure has an exception of another class if this one cannot be pickled.
        error = retval if isinstance(retval, BaseException) else scope.error
        if task.throws and isinstance(error, task.throws):
            return logging.INFO, state, fields | {"error": values.describe(error)}
        return logging.ERROR, state, fields | {"exc_info": error}
    if state == states.RETRY:
        return logging.INFO, state, fields | {"reason": stdlib.text_of(retval)}
    if state == states.REJECTED:
        return logging.WARNING, state, fields | {"reason": stdlib.text_of(getattr(retval, "reason", retval))}
    return logging.INFO, state, fields


def _arguments(request: Any) -> dict[str, Any]:
    """The arguments of a task, as texts of Celery's that have a bound; none unless they are asked for."""
    if _without_arguments.is_on:
        return {}
    return {
        "args": getattr(request, "argsrepr", None) or saferepr(request.args),
        "kwargs": getattr(request, "kwargsrepr", None) or saferepr(request.kwargs),
    }


def _log_end(scope: context.Scope, level: int, state: str, fields: dict[str, Any]) -> None:
    if scope.context is not None and scope.context.parent_span_id is not None:
        fields["parent_span_id"] = scope.context.parent_span_id
    _logger.log(level, "task ended", state=state, **fields)


def _receive(request: Any = None, **_: Any) -> None:
    _received[request.id] = request


def _write(**_: Any) -> None:
    flush_logging(_PATIENCE)


_CONNECTED: tuple[tuple[Any, Callable[..., None]], ...] = (
    (signals.setup_logging, _set_up),
    (signals.before_task_publish, _publish),
    (signals.task_received, _receive),
    (signals.task_prerun, _begin),
    (signals.task_failure, _fail),
    (signals.task_postrun, _end),
    (signals.worker_process_shutdown, _write),
    (signals.worker_shutdown, _write),
)
