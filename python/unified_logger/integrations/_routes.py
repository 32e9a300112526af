"""Finds the template of a request's path in Starlette and FastAPI applications, which leave their choice in the scope."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

# How many routes of an application are remembered: routes that are made for each request must not fill the memory.
_MOST = 10_000
# Layers of middleware around an application, at most.
_DEEPEST = 100
# Key of the chosen route in the part of the scope that belongs to newer versions of FastAPI.
_CHOSEN = "effective_route_context"
_PARAMETER = re.compile(r"\{[^{}]+\}")


class Routes:
    """The routes of an application, looked up once the application has chosen one.

    Args:
        app: The application, or middleware around it.
    """

    __slots__ = ("_app", "_by_endpoint", "_cached", "_mounts")

    def __init__(self, app: object) -> None:
        self._app = app
        self._mounts: list[tuple[re.Pattern[str], str]] | None = None
        # By the identity of a route, or of the chosen route: both, and the template.
        self._cached: dict[int, tuple[object, object, str | None]] = {}
        # By the identity of an endpoint: itself, and the routes that have it. Endpoints need not be hashable.
        self._by_endpoint: dict[int, tuple[object, list[Any]]] = {}

    def template(self, scope: Mapping[str, Any], root_path: str) -> str | None:
        """The template of a request's path.

        Args:
            scope: The scope, as the application has left it.
            root_path: Its `root_path` before the application changed it.

        Returns:
            The template with those of the mounts around it, such as /shops/{shop}/items/{item}; None if no route was found.
        """
        route = scope.get("route") or self._of_endpoint(scope)
        if route is None:
            return None
        state = scope.get("fastapi")
        chosen = state.get(_CHOSEN) if state else None
        cached = self._cached.get(id(chosen or route))
        if cached is None or cached[0] is not route or cached[1] is not chosen:
            if len(self._cached) >= _MOST:
                self._cached.clear()
            cached = self._cached[id(chosen or route)] = route, chosen, _path(route, chosen)
        path = cached[2]
        mounted = scope.get("root_path", "")
        if mounted != root_path and path is not None:
            path = self._mounted(mounted[len(root_path) :]) + path
        return path if path is None else path or "/"

    def _mounted(self, path: str) -> str:
        """The template of the path at which an application is mounted."""
        if self._mounts is None:
            self._mounts = [(_pattern(path), path) for path in _mounts(self._top())]
        for pattern, template in self._mounts:
            if pattern.fullmatch(path):
                return template
        return path

    def _of_endpoint(self, scope: Mapping[str, Any]) -> Any:
        """The route of the chosen endpoint, for versions of Starlette that do not report the route."""
        endpoint = scope.get("endpoint")
        if endpoint is None:
            return None
        found = self._by_endpoint.get(id(endpoint))
        if found is None or found[0] is not endpoint:
            if len(self._by_endpoint) >= _MOST:
                self._by_endpoint.clear()
            routes = [route for route in _walk(self._top()) if _endpoint(route) is endpoint]
            found = self._by_endpoint[id(endpoint)] = endpoint, routes
        routes = found[1]
        if len(routes) > 1:
            path = scope["path"].removeprefix(scope.get("root_path", ""))
            routes = [route for route in routes if _is_mount(route) or route.path_regex.match(path)]
        return routes[0] if routes else None

    def _top(self) -> list[Any]:
        """The routes of the application itself."""
        app: Any = self._app
        for _ in range(_DEEPEST):
            routes = getattr(app, "routes", None)
            if isinstance(routes, list):
                return routes
            app = getattr(app, "app", None)
        return []


def _path(route: Any, chosen: Any) -> str | None:
    """The template of a route itself. The scope's `root_path` already has the templates of mounts."""
    if _is_mount(route):
        return ""
    if chosen is not None and getattr(chosen, "original_route", None) is route:
        # With the prefix of the router with which it was included: newer versions of FastAPI keep them apart.
        found = getattr(chosen, "starlette_route", None) or chosen
        route = found if getattr(found, "path", "") else route
    path = getattr(route, "path", None)
    return path if isinstance(path, str) else None


def _is_mount(route: Any) -> bool:
    """Whether a route passes on to an application."""
    return hasattr(route, "app") and not hasattr(route, "endpoint")


def _endpoint(route: Any) -> Any:
    return getattr(route, "app", None) if _is_mount(route) else getattr(route, "endpoint", None)


def _walk(routes: list[Any]) -> Iterator[Any]:
    """All routes, also those below mounts. An application may be mounted in itself."""
    seen: set[int] = set()
    left = list(routes)
    while left and len(seen) < _MOST:
        route = left.pop(0)
        if id(route) in seen:
            continue
        seen.add(id(route))
        yield route
        if _is_mount(route):
            left += _below(route)


def _mounts(routes: list[Any]) -> Iterator[str]:
    """The templates of all mounts with parameters, with those of the mounts around them."""
    left = [("", route) for route in routes]
    for _ in range(_MOST):
        if not left:
            return
        outer, route = left.pop(0)
        if _is_mount(route):
            path = outer + getattr(route, "path", "")
            if "{" in path:
                yield path
            left += [(path, inner) for inner in _below(route)]


def _below(route: Any) -> list[Any]:
    routes = getattr(route, "routes", None)
    return routes if isinstance(routes, list) else []


def _pattern(template: str) -> re.Pattern[str]:
    """A pattern that matches the paths of a template."""
    fixed = [re.escape(part) for part in _PARAMETER.split(template)]
    kinds = [".+" if found[0].endswith(":path}") else "[^/]+" for found in _PARAMETER.finditer(template)]
    return re.compile("".join(part + kind for part, kind in zip(fixed, [*kinds, ""], strict=True)), re.DOTALL)
