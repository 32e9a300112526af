"""`install(app)`: FastAPI and Starlette applications have a context and an access record for each request, with its route."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from kinds import Records

from unified_logger import ConfigurationError, get_logger

pytest.importorskip("fastapi")
httpx = pytest.importorskip("httpx")

from asgi_calls import Call, http, websocket  # noqa: E402
from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, Request, WebSocket  # noqa: E402
from starlette.applications import Starlette  # noqa: E402
from starlette.middleware.base import BaseHTTPMiddleware  # noqa: E402
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse  # noqa: E402
from starlette.routing import Mount, Route, WebSocketRoute  # noqa: E402

from unified_logger.integrations._routes import Routes  # noqa: E402
from unified_logger.integrations.asgi import Middleware  # noqa: E402
from unified_logger.integrations.fastapi import install  # noqa: E402

pytestmark = pytest.mark.usefixtures("logger")
log = get_logger("app")


def get(app: Any, *paths: str, method: str = "GET", **headers: str) -> list[Any]:
    """Asks for paths, one after the other; an exception goes no further than to the client."""

    async def ask() -> list[Any]:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return [await client.request(method, path, headers=headers) for path in paths]

    return asyncio.run(ask())


def access(records: Records) -> list[dict[str, Any]]:
    """The access records."""
    return [record for record in records() if record["logger"] == "unified_logger.access"]


def own(records: Records) -> list[dict[str, Any]]:
    """Records of this application and the access records."""
    return [record for record in records() if record["logger"] in ("app", "unified_logger.access")]


def shop() -> FastAPI:
    """An application with routes of every kind."""
    app = FastAPI()
    items = APIRouter(prefix="/shops/{shop}")

    @app.get("/")
    async def home() -> str:
        return "home"

    @items.get("/items/{item}")
    async def item(shop: str, item: int) -> int:
        return item

    @items.websocket("/live/{item}")
    async def live(socket: WebSocket, shop: str, item: int) -> None:
        await socket.accept()
        await socket.close()

    inner = APIRouter(prefix="/inner")
    inner.include_router(items, prefix="/{deep}")
    app.include_router(items, prefix="/v1")
    app.include_router(inner)

    tenant = FastAPI()
    tenant.include_router(items)

    async def plain(request: Request) -> PlainTextResponse:
        return PlainTextResponse("plain")

    async def silent(socket: WebSocket) -> None:
        await socket.close()

    below = [
        Route("/same/{one}", plain),
        Route("/same/{one}/{two}", plain),
        Route("/files/{name:path}", plain),
        WebSocketRoute("/live/{number}", silent),
    ]
    app.mount("/tenants/{tenant}", tenant)
    app.mount("/starlette", Starlette(routes=[*below, Mount("/deeper/{way:path}/end", routes=below)]))
    app.mount("/static", PlainTextResponse("static"))
    return app


ROUTES = {
    "/": "/",
    "/v1/shops/a/items/7": "/v1/shops/{shop}/items/{item}",
    "/inner/x/shops/a/items/7": "/inner/{deep}/shops/{shop}/items/{item}",
    "/v1/shops/a/items/seven": "/v1/shops/{shop}/items/{item}",
    "/tenants/acme/shops/a/items/7": "/tenants/{tenant}/shops/{shop}/items/{item}",
    "/starlette/same/1": "/starlette/same/{one}",
    "/starlette/same/1/2": "/starlette/same/{one}/{two}",
    "/starlette/files/a/b/c": "/starlette/files/{name:path}",
    "/starlette/deeper/a/b/end/same/1": "/starlette/deeper/{way:path}/end/same/{one}",
    "/static/a/b.css": "/static",
    "/nowhere": "/nowhere",
    "/openapi.json": "/openapi.json",
}


@pytest.mark.parametrize("make", [lambda app: install(app) or app, Middleware], ids=["install", "middleware"])
def test_the_route_is_the_template_that_was_found(records: Records, make: Callable[[Any], Any]) -> None:
    """With the prefixes of routers and the templates of mounts; where none was found it is the path."""
    get(make(shop()), *ROUTES)
    assert {record["path"]: record["route"] for record in access(records)} == ROUTES


def test_a_method_that_is_not_allowed_has_its_route(records: Records) -> None:
    """The path was found."""
    app = shop()
    install(app)
    get(app, "/v1/shops/a/items/7", method="DELETE")
    (record,) = access(records)
    assert (record["status"], record["route"]) == (405, "/v1/shops/{shop}/items/{item}")


@pytest.mark.parametrize(
    ("path", "route", "status"),
    [
        ("/v1/shops/a/live/7", "/v1/shops/{shop}/live/{item}", 101),
        ("/starlette/live/7", "/starlette/live/{number}", 403),
    ],
)
def test_websockets_have_routes_too(records: Records, path: str, route: str, status: int) -> None:
    """Those of FastAPI and those of Starlette."""
    app = shop()
    install(app)
    asyncio.run(Call({"type": "websocket.connect"})(app, websocket(path)))
    (record,) = access(records)
    assert (record["route"], record["status"]) == (route, status)


@pytest.mark.parametrize(
    ("path", "root_path", "endpoint", "route"),
    [
        ("/one/7", "", "plain", "/one/{number}"),
        ("/one/7/8", "", "plain", "/one/{number}/{more}"),
        ("/shops/a/one/7", "/shops/a", "plain", "/shops/{shop}/one/{number}"),
        ("/static/x", "/static", "static", "/static"),
        ("/one/7", "", "unknown", None),
    ],
)
def test_older_versions_tell_no_more_than_the_endpoint(
    path: str, root_path: str, endpoint: str, route: str | None
) -> None:
    """Then the routes that have it are looked through."""
    endpoints: dict[str, Any] = {"plain": lambda request: None, "static": PlainTextResponse("x"), "unknown": object()}
    below = [Route("/one/{number}", endpoints["plain"]), Route("/one/{number}/{more}", endpoints["plain"])]
    app = Starlette(routes=[*below, Mount("/shops/{shop}", routes=below), Mount("/static", endpoints["static"])])
    scope = {"path": path, "root_path": root_path, "endpoint": endpoints[endpoint]}
    assert Routes(Middleware(app)).template(scope, "") == route


def test_routes_made_anew_for_each_request_are_not_kept() -> None:
    """What is remembered of an application is bounded."""
    routes = Routes(Starlette())
    for number in range(25_000):
        scope = (
            {"path": "/", "route": Route(f"/{number}", lambda request: None)}
            if number % 2
            else {"endpoint": object(), "path": "/"}
        )
        assert routes.template(scope, "") == (f"/{number}" if number % 2 else None)
    assert len(routes._cached) <= 10_000
    assert len(routes._by_endpoint) <= 10_000


def test_a_path_in_front_of_the_application_is_not_its_route(records: Records) -> None:
    """What a proxy takes away is there as `root_path`."""
    app = shop()
    install(app)
    asyncio.run(Call()(app, http("/api/tenants/acme/shops/a/items/7", root_path="/api")))
    assert access(records)[0]["route"] == "/tenants/{tenant}/shops/{shop}/items/{item}"


def test_an_exception_is_logged_once_and_its_answer_has_the_trace(records: Records) -> None:
    """The middleware is outside of the one that answers with 500."""
    app = FastAPI()
    install(app)

    @app.get("/fails/{number}")
    async def fails(number: int) -> None:
        raise ValueError("no such number")

    (answer,) = get(app, "/fails/7")
    (record,) = own(records)
    assert answer.status_code == record["status"] == 500
    assert answer.headers["x-trace-id"] == record["trace_id"]
    assert (record["level"], record["exception"]["type"], record["route"]) == ("ERROR", "ValueError", "/fails/{number}")


def test_a_handled_exception_is_none(records: Records) -> None:
    """The application has answered."""
    app = FastAPI()
    install(app)

    @app.exception_handler(KeyError)
    async def missing(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({}, 404)

    @app.get("/")
    async def fails() -> None:
        raise KeyError

    get(app, "/")
    (record,) = access(records)
    assert (record["status"], record["level"]) == (404, "INFO")


def test_the_context_is_there_wherever_the_application_runs(records: Records) -> None:
    """In threads, dependencies, other people's middleware, background tasks and the pieces of a body."""
    app = FastAPI()

    class Other(BaseHTTPMiddleware):
        async def dispatch(self, request: Request, call_next: Any) -> Any:
            log.info("middleware")
            return await call_next(request)

    async def dependency() -> AsyncIterator[None]:
        log.info("dependency")
        yield
        log.info("end of dependency")

    def background() -> None:
        log.info("background")

    @app.get("/sync", dependencies=[Depends(dependency)])
    def sync(tasks: BackgroundTasks) -> str:
        log.info("sync")
        tasks.add_task(background)
        return "done"

    @app.get("/streaming")
    async def streaming() -> StreamingResponse:
        async def pieces() -> AsyncIterator[bytes]:
            for number in range(3):
                log.info("piece", number=number)
                yield b"ab"

        return StreamingResponse(pieces())

    install(app)
    app.add_middleware(Other)  # Later, and inside nevertheless.
    for path in ("/sync", "/streaming"):
        (answer,) = get(app, path)
        found = [record for record in own(records) if record["trace_id"] == answer.headers["x-trace-id"]]
        assert len(found) == 6 if path == "/sync" else 5
        assert sum(record["logger"] == "unified_logger.access" for record in found) == 1
    assert len(own(records)) == 11
    assert access(records)[1]["bytes"] == 6


def test_an_application_that_serves_already_takes_it_too(records: Records) -> None:
    """Starlette refuses other middleware by then."""
    app = shop()
    get(app, "/")
    install(app)
    get(app, "/")
    assert len(access(records)) == 1


def test_mounted_applications_of_their_own_do_not_tell_twice(records: Records) -> None:
    """The outer one tells of the request."""
    app, inner = FastAPI(), shop()
    app.mount("/inner", inner)
    install(inner)
    install(app)
    get(app, "/inner/v1/shops/a/items/7")
    (record,) = access(records)
    assert record["route"] == "/inner/v1/shops/{shop}/items/{item}"


def test_only_a_mounted_application_may_have_it(records: Records) -> None:
    """The rest is as it was."""
    app, inner = FastAPI(), shop()
    app.mount("/inner", inner)
    install(inner, skip=["/inner/static*"])
    get(app, "/inner/v1/shops/a/items/7", "/docs", "/inner/static/a")
    (record,) = access(records)
    assert record["path"] == "/inner/v1/shops/a/items/7"


def test_a_bad_option_is_refused_at_once() -> None:
    """Not with the first request."""
    with pytest.raises(ConfigurationError, match="trusted_proxies"):
        install(FastAPI(), trusted_proxies=-1)


def test_each_failure_of_a_background_task_is_told(records: Records) -> None:
    """Also where they raise one exception object: that of an attempt they share. Seen to fail (one record of three) with a mark that stays."""
    app = FastAPI()
    install(app)
    shared = ConnectionError("mail server is away")

    async def mail() -> None:
        raise shared

    @app.get("/order")
    async def order(background: BackgroundTasks) -> str:
        background.add_task(mail)
        return "ok"

    @app.get("/broken")
    async def broken() -> None:
        raise shared

    get(app, "/order", "/broken", "/order", "/broken", "/order")
    after = [record for record in records() if record["message"] == "exception after the response"]
    assert len({record["trace_id"] for record in after}) == 3
    # The line that raised: seen to fail with that of the middleware.
    assert {(record["module"], record["function"]) for record in after} == {("test_fastapi", "mail")}
    assert [record["status"] for record in access(records) if "exception" in record] == [500, 500]
