"""What access records can have on request: fields of a function of the application, and the place of the endpoint."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import CodeType, FunctionType
from weakref import WeakSet

from ..context.blocks import code_of
from ..logger import get_logger
from ..process import notices
from ..values import describe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Emit = Callable[[str, str, str, str, int, float, int, str | None], None]
    Fields = Callable[[Any, Any], Mapping[str, object]]

# The logger of access records.
LOGGER = "unified_logger.access"
# How many endpoints of an application are remembered: endpoints that are made for each request must not fill the memory.
_MOST = 10_000
# How many methods of a class are: clients may send any word.
_MOST_METHODS = 32

logger = get_logger(LOGGER, "%")


class Response:
    """What a function for `access_fields` sees of a response.

    Args:
        status: Its status; what the server answers if the application has sent none.
        headers: Its headers, by lower-case name.
        sent: The bytes of its body that were sent.
    """

    __slots__ = ("bytes", "headers", "status")

    def __init__(self, status: int, headers: Mapping[str, str], sent: int) -> None:
        self.status = status
        self.headers = headers
        self.bytes = sent


def fields_of(function: Fields, request: Any, response: Any) -> dict[str, object]:
    """The fields that a function of the application gives an access record.

    Args:
        function: The function, called with the other two.
        request: The request, of the framework's kind.
        response: The response.

    Returns:
        The fields. None if the function fails, which is reported once, because the record must not be lost.
    """
    try:
        given = function(request, response)
        if isinstance(given, Mapping):
            return {str(name): value for name, value in given.items()}
        if inspect.iscoroutine(given):
            given.close()
        what = f"returned {type(given).__name__}, not a mapping"
    except Exception as error:
        what = f"raised {describe(error)}"
    # A framework's integration may have put its own around the function of the application.
    function = getattr(function, "of_application", function)
    if function not in _reported:
        _reported.add(function)
        name = getattr(function, "__qualname__", type(function).__name__)
        notices.report(f"access_fields: {name} {what}; access records are without its fields", function="access_fields")
    return {}


class _Reported:
    """The functions whose failure was reported. Not all can be referred to weakly, or hashed."""

    def __init__(self) -> None:
        self._weak: WeakSet[Any] = WeakSet()
        self._ids: set[int] = set()

    def __contains__(self, function: object) -> bool:
        if id(function) in self._ids:
            return True
        try:
            return function in self._weak
        except TypeError:
            return False

    def add(self, function: object) -> None:
        try:
            self._weak.add(function)
        except TypeError:
            self._ids.add(id(function))


_reported = _Reported()


def emit(
    message: str,
    method: str,
    route: str,
    path: str,
    status: int,
    duration: float,
    sent: int,
    client: str | None,
) -> None:
    """Logs the access record of most requests. A call with literal keywords is the cheapest."""
    logger.info(
        message, method=method, route=route, path=path, status=status, duration_ms=duration, bytes=sent, client=client
    )


def emit_more(level: int, message: str, fields: dict[str, Any]) -> None:
    """Logs any other access record."""
    logger.log(level, message, **fields)


# The same in one line each, whose code is copied for the place of each endpoint: all of it is then at that line.
_ON_ONE_LINE: dict[str, Any] = {"logger": logger}
exec(
    "def emit(message, method, route, path, status, duration, sent, client): logger.info(message, method=method, "
    "route=route, path=path, status=status, duration_ms=duration, bytes=sent, client=client)",
    _ON_ONE_LINE,
)
exec("def emit_more(level, message, fields): logger.log(level, message, **fields)", _ON_ONE_LINE)


class Place:
    """Logs access records with the call site of an endpoint.

    Args:
        code: The code of the endpoint; None for the call site of this module.
    """

    __slots__ = ("emit", "emit_more")

    emit: Emit
    emit_more: Callable[[int, str, dict[str, Any]], None]

    def __init__(self, code: CodeType | None) -> None:
        if code is None:
            self.emit, self.emit_more = emit, emit_more
        else:
            self.emit, self.emit_more = (_at(code, name) for name in ("emit", "emit_more"))


def _at(code: CodeType, name: str) -> Any:
    """A function that does the same, with the name and the line of other code: this is where records have their call site from."""
    own: CodeType = _ON_ONE_LINE[name].__code__
    moved = own.replace(co_filename=code.co_filename, co_name=code.co_name, co_firstlineno=code.co_firstlineno)
    return FunctionType(moved, _ON_ONE_LINE)


ANYWHERE = Place(None)
# By the identity of an endpoint: itself, and its places, by the method of the request for a class. Endpoints need not be hashable.
_places: dict[int, tuple[object, Place | dict[str, Place]]] = {}


def place_of(endpoint: object, method: str) -> Place:
    """The place of an endpoint.

    Args:
        endpoint: A function, a method, or a class with a method for each method of HTTP.
        method: The method of the request.

    Returns:
        Its place, or that of this module if it has no code of its own.
    """
    if endpoint is None:
        return ANYWHERE
    found = _places.get(id(endpoint))
    if found is None or found[0] is not endpoint:
        if len(_places) >= _MOST:
            _places.clear()
        found = _places[id(endpoint)] = endpoint, {} if isinstance(endpoint, type) else _made(endpoint)
    place = found[1]
    if isinstance(place, dict):
        if method not in place and len(place) >= _MOST_METHODS:
            return ANYWHERE
        of_method = place.get(method)
        if of_method is None:
            of_method = place[method] = _made(endpoint, method)
        return of_method
    return place


def _made(endpoint: object, method: str | None = None) -> Place:
    try:
        if method is not None:
            endpoint = getattr(endpoint, method.lower(), None) or getattr(endpoint, "dispatch", None)
        code = code_of(endpoint)
    except Exception:  # It may be any object.
        code = None
    return ANYWHERE if code is None else Place(code)
