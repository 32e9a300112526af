"""What is set anywhere within a request is on its later records and on its access record, whichever thread or task has set it."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any

import pytest
from kinds import Records

from unified_logger import LoggingContext, _core, carry, carry_into_threads, get_logger, span, traced
from unified_logger.context import clear_trace_context, get_trace_context

pytest.importorskip("fastapi")
httpx = pytest.importorskip("httpx")

from asgi_calls import Call, http, websocket  # noqa: E402
from fastapi import BackgroundTasks, Depends, FastAPI, WebSocket  # noqa: E402
from starlette.applications import Starlette  # noqa: E402
from starlette.concurrency import run_in_threadpool  # noqa: E402
from starlette.middleware.base import BaseHTTPMiddleware  # noqa: E402
from starlette.responses import PlainTextResponse, StreamingResponse  # noqa: E402
from starlette.routing import Route  # noqa: E402

from unified_logger.integrations import starlette  # noqa: E402
from unified_logger.integrations.asgi import Middleware  # noqa: E402
from unified_logger.integrations.fastapi import install  # noqa: E402

pytestmark = pytest.mark.usefixtures("logger")
log = get_logger("app")
bound = log.bind(worker="w-1")


def get(app: Any, path: str = "/") -> Any:
    """Asks for a path, through everything a server would ask through."""

    async def ask() -> Any:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.get(path)

    return asyncio.run(ask())


def by_message(records: Records) -> dict[str, dict[str, Any]]:
    """The application's records by message, and the access record as `access`."""
    return {
        "access" if record["logger"] == "unified_logger.access" else record["message"]: record
        for record in records()
        if record["logger"] in ("app", "unified_logger.access")
    }


def set_user(value: str = "u-1") -> None:
    """As a function of an application does it."""
    log.set_trace_context(user=value)


async def set_user_later() -> None:
    """The same in a coroutine."""
    set_user()


def plain() -> dict[str, Any]:
    """A `def` endpoint."""
    set_user()
    log.info("inside")
    return {}


async def coroutine() -> dict[str, Any]:
    """An `async def` endpoint."""
    return plain()


@pytest.mark.parametrize("endpoint", [plain, coroutine])
@pytest.mark.parametrize("between", [False, True], ids=["alone", "BaseHTTPMiddleware"])
def test_an_endpoint_of_either_kind(records: Records, endpoint: Any, between: bool) -> None:
    """With and without a middleware that runs the application in a task of its own; its later records have the field too."""
    app = FastAPI()
    if between:

        @app.middleware("http")
        async def outer(request: Any, call_next: Any) -> Any:
            log.info("before")
            response = await call_next(request)
            log.info("after")
            return response

    install(app)
    app.get("/")(endpoint)
    get(app)
    seen = by_message(records)
    assert seen["inside"]["user"] == seen["access"]["user"] == "u-1"
    if between:
        assert "user" not in seen["before"]
        assert seen["after"]["user"] == "u-1"
        assert seen["after"]["trace_id"] == seen["before"]["trace_id"]


@pytest.mark.parametrize("dependency", [set_user, set_user_later])
@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_dependency_of_either_kind(records: Records, dependency: Any, kind: str) -> None:
    """The endpoint's own records have what it has set, whoever logs them: a bound logger, one of `logging`, a background task."""
    app = FastAPI()
    install(app)

    def tell(tasks: BackgroundTasks) -> dict[str, Any]:
        log.info("inside")
        bound.info("bound")
        tasks.add_task(lambda: log.info("background"))
        return {}

    async def tell_later(tasks: BackgroundTasks) -> dict[str, Any]:
        return tell(tasks)

    app.get("/", dependencies=[Depends(dependency)])(tell if kind == "def" else tell_later)
    get(app)
    seen = by_message(records)
    assert {name: record.get("user") for name, record in seen.items()} == dict.fromkeys(seen, "u-1")
    assert len(seen) == 4
    assert seen["bound"]["worker"] == "w-1"


def test_what_several_have_set_adds_up(records: Records) -> None:
    """A coroutine of the request, two dependencies in threads, the endpoint: each later record has what came before."""
    app = FastAPI()
    install(app)

    async def tenant() -> None:
        log.set_trace_context(tenant="acme")

    def region() -> None:
        log.set_trace_context(region="eu")
        log.info("region")

    def plan() -> None:
        log.set_trace_context(plan="free")
        log.info("plan")

    @app.get("/", dependencies=[Depends(tenant), Depends(region), Depends(plan)])
    async def endpoint() -> None:
        log.info("endpoint")
        await run_in_threadpool(set_user)
        log.info("later")

    get(app)
    seen = by_message(records)
    fields = {
        name: {key: record[key] for key in ("tenant", "region", "plan", "user") if key in record}
        for name, record in seen.items()
    }
    assert fields == {
        "region": {"tenant": "acme", "region": "eu"},
        "plan": {"tenant": "acme", "region": "eu", "plan": "free"},
        "endpoint": {"tenant": "acme", "region": "eu", "plan": "free"},
        "later": {"tenant": "acme", "region": "eu", "plan": "free", "user": "u-1"},
        "access": {"tenant": "acme", "region": "eu", "plan": "free", "user": "u-1"},
    }


def test_whoever_has_seen_a_field_may_set_it_anew(records: Records) -> None:
    """A middleware sets what an endpoint then knows better, in a thread of its own."""
    app = FastAPI()

    @app.middleware("http")
    async def outer(request: Any, call_next: Any) -> Any:
        set_user("anonymous")
        response = await call_next(request)
        log.info("after")
        return response

    install(app)

    @app.get("/")
    def endpoint(tasks: BackgroundTasks) -> None:
        log.info("before")
        set_user("u-1")
        log.info("inside")
        tasks.add_task(lambda: log.info("background"))

    get(app)
    users = {name: record["user"] for name, record in by_message(records).items()}
    assert users == {"before": "anonymous", "inside": "u-1", "after": "u-1", "background": "u-1", "access": "u-1"}


def test_tasks_at_the_same_time_keep_what_they_have_set(records: Records) -> None:
    """Each its own; whatever one of them alone has set is the request's."""
    app = FastAPI()
    install(app)

    async def work(number: int) -> None:
        log.set_trace_context(item=number)
        await asyncio.sleep(0.01 * (3 - number))
        log.set_trace_context(**{f"done_{number}": True})
        log.info(f"work {number}")

    @app.get("/")
    async def endpoint() -> None:
        await asyncio.gather(*map(work, range(3)))
        log.info("all done")

    get(app)
    seen = by_message(records)
    assert [seen[f"work {number}"]["item"] for number in range(3)] == [0, 1, 2]
    for name in ("all done", "access"):
        assert [seen[name][f"done_{number}"] for number in range(3)] == [True] * 3
        assert seen[name]["item"] == 2


def test_streams_and_what_comes_after_them(records: Records) -> None:
    """Generators that Starlette steps through in threads, and asynchronous ones."""

    def pieces() -> Iterator[bytes]:
        set_user()
        log.info("piece")
        yield b"1"

    async def pieces_later() -> AsyncIterator[bytes]:
        for piece in pieces():
            yield piece

    app = Starlette(
        routes=[
            Route("/plain", lambda request: StreamingResponse(pieces())),
            Route("/later", lambda request: StreamingResponse(pieces_later())),
        ]
    )
    starlette.install(app)
    for path in ("/plain", "/later"):
        assert get(app, path).text == "1"
    told = [record for record in records() if record["logger"] in ("app", "unified_logger.access")]
    assert [record.get("user") for record in told] == ["u-1"] * 4


def test_a_plain_endpoint_of_starlette(records: Records) -> None:
    """With its own middleware around."""

    async def outer(request: Any, call_next: Any) -> Any:
        response = await call_next(request)
        log.info("after")
        return response

    def endpoint(request: Any) -> PlainTextResponse:
        set_user()
        return PlainTextResponse("")

    app = Starlette(routes=[Route("/", endpoint)])
    app.add_middleware(BaseHTTPMiddleware, dispatch=outer)
    get(Middleware(app))
    seen = by_message(records)
    assert seen["after"]["user"] == seen["access"]["user"] == "u-1"


def test_a_websocket(records: Records) -> None:
    """What its endpoint sets in threads is on the record of its end."""
    app = FastAPI()
    install(app)

    @app.websocket("/")
    async def live(socket: WebSocket) -> None:
        await socket.accept()
        await run_in_threadpool(set_user)
        log.info("inside")
        await socket.close()

    asyncio.run(Call({"type": "websocket.connect"})(app, websocket("/")))
    seen = by_message(records)
    assert seen["inside"]["user"] == seen["access"]["user"] == "u-1"


def test_ids_that_are_set_are_the_requests(records: Records) -> None:
    """In a thread; the answer tells them, and what was set before stays."""
    app = FastAPI()
    install(app)

    def identify() -> None:
        log.set_trace_context(trace_id="order-7", span_id=7)  # type: ignore[arg-type]
        log.info("identified")

    @app.get("/", dependencies=[Depends(set_user_later), Depends(identify)])
    async def endpoint() -> None:
        log.info("inside")

    response = get(app)
    seen = by_message(records)
    assert response.headers["X-Trace-ID"] == "order-7"
    for name in ("identified", "inside", "access"):
        record = seen[name]
        assert (record["trace_id"], record["span_id"], record["user"]) == ("order-7", "7", "u-1"), name


def test_what_is_cleared_is_cleared_for_the_request(records: Records) -> None:
    """Except what another task has set for itself."""
    app = FastAPI()
    install(app)

    async def keep(cleared: asyncio.Event) -> None:
        log.set_trace_context(item=1)
        await cleared.wait()
        log.info("kept")

    @app.get("/")
    async def endpoint() -> None:
        cleared = asyncio.Event()
        task = asyncio.create_task(keep(cleared))
        set_user()
        await asyncio.sleep(0)
        await run_in_threadpool(clear_trace_context)
        log.info("after")
        cleared.set()
        await task

    get(app)
    seen = by_message(records)
    assert {name: (record.get("user"), record.get("item")) for name, record in seen.items()} == {
        "after": (None, None),
        "kept": (None, 1),
        "access": (None, None),
    }


@pytest.mark.parametrize("where", ["a middleware", "a dependency", "the endpoint"])
def test_what_is_set_inside_of_a_context_is_the_requests(records: Records, where: str) -> None:
    """The context's own fields end with it. Seen to fail (structlog issue 491) with one in a middleware."""
    app = FastAPI()

    @app.middleware("http")
    async def outer(request: Any, call_next: Any) -> Any:
        with LoggingContext(tenant="acme") if where == "a middleware" else nullcontext():
            response = await call_next(request)
        log.info("after")
        return response

    async def context() -> AsyncIterator[None]:
        with LoggingContext(tenant="acme") if where == "a dependency" else nullcontext():
            yield

    @app.get("/", dependencies=[Depends(context), Depends(set_user)])
    async def endpoint() -> None:
        with LoggingContext(tenant="acme") if where == "the endpoint" else nullcontext():
            await run_in_threadpool(log.set_trace_context, region="eu")
            log.info("inside")

    install(app)
    get(app)
    fields = {
        name: {key: record[key] for key in ("tenant", "region", "user") if key in record}
        for name, record in by_message(records).items()
    }
    known = {"region": "eu", "user": "u-1"}
    assert fields == {"inside": {**known, "tenant": "acme"}, "after": known, "access": known}


def test_ids_that_are_set_in_a_span_stay_there(records: Records) -> None:
    """The record of its end has its own. Seen to fail (those of the request)."""
    app = FastAPI()
    install(app)

    @app.get("/")
    async def endpoint() -> None:
        with span("work"):
            log.set_trace_context(trace_id="t-1", user="u-1")
            log.info("inside")
            await run_in_threadpool(set_user, "u-2")
            log.info("later")
        log.info("after")

    get(app)
    seen = by_message(records)
    started, ended = (record for record in records() if "span" in record)
    assert (ended["trace_id"], ended["span_id"]) == (started["trace_id"], started["span_id"])
    assert ended["parent_span_id"] == seen["after"]["span_id"] == seen["access"]["span_id"]
    assert seen["inside"]["trace_id"] == seen["later"]["trace_id"] == "t-1"
    assert seen["later"]["user"] == seen["after"]["user"] == seen["access"]["user"] == "u-2"
    assert seen["after"]["trace_id"] == started["trace_id"]


def test_what_is_cleared_in_a_span_is_what_was_set_in_it(records: Records) -> None:
    """What the request had before stays. Seen to fail (nothing was cleared)."""
    app = FastAPI()
    install(app)

    @app.get("/")
    async def endpoint() -> None:
        log.set_trace_context(region="eu")
        with span("work", step=1):
            set_user()
            log.set_trace_context(trace_id="t-1", step=2)
            clear_trace_context()
            log.info("inside")
        log.info("after")

    get(app)
    seen = by_message(records)
    fields = {name: [record.get(key) for key in ("region", "user", "step")] for name, record in seen.items()}
    assert fields == {"inside": ["eu", None, 1], "after": ["eu", None, None], "access": ["eu", None, None]}
    assert seen["inside"]["trace_id"] == seen["access"]["trace_id"] != "t-1"
    assert seen["inside"]["span_id"] != seen["after"]["span_id"]


def test_what_another_thread_sets_meanwhile_is_not_overlooked(records: Records) -> None:
    """Another tracing library is asked while a field is set. Seen to fail (until somebody set another one)."""
    variable: contextvars.ContextVar[str | None] = contextvars.ContextVar("theirs", default=None)
    meanwhile: list[Callable[[], object]] = []

    def convert(value: str | None) -> _core.Context | None:
        if meanwhile:
            meanwhile.pop()()
        return None if value is None else _core.Context("t" * 32, "s" * 16, {})

    async def app(scope: Any, receive: Any, send: Any) -> None:
        inside = contextvars.copy_context()
        variable.set("span")
        with ThreadPoolExecutor(1) as pool:
            meanwhile.append(lambda: pool.submit(inside.run, log.set_trace_context, region="eu").result())
            set_user()
        log.info("inside")
        variable.set(None)
        log.info("after")

    _core.set_foreign_context(variable, convert)
    try:
        asyncio.run(Call()(Middleware(app), http("/")))
    finally:
        _core.set_foreign_context(None)
    seen = by_message(records)
    assert {name: (record["region"], record["user"]) for name, record in seen.items()} == dict.fromkeys(
        ("inside", "after", "access"), ("eu", "u-1")
    )
    # What was set while the other library's span was current does not keep its ids.
    assert seen["inside"]["trace_id"] == "t" * 32
    assert seen["after"]["trace_id"] == seen["access"]["trace_id"] != "t" * 32


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_what_is_set_inside_of_spans_is_the_requests(records: Records, kind: str) -> None:
    """An endpoint that is traced, below a dependency that is a span as long as the request runs."""
    app = FastAPI()
    install(app)

    async def session() -> AsyncIterator[None]:
        with span("session", store="db"):
            yield

    @traced
    def endpoint() -> None:
        log.info("before")
        set_user()
        log.set_trace_context(store="cache")
        log.info("inside")

    @traced
    async def endpoint_later() -> None:
        endpoint.__wrapped__()

    app.get("/", dependencies=[Depends(session)])(endpoint if kind == "def" else endpoint_later)
    get(app)
    seen = by_message(records)
    assert "user" not in seen["before"]
    assert seen["before"]["store"] == "db"
    for name in ("inside", "access"):
        assert (seen[name]["user"], seen[name]["store"]) == ("u-1", "cache"), name
    (outer,) = (record for record in records() if record["message"] == "span ended" and record["span"] == "session")
    assert outer["user"] == "u-1"
    assert seen["access"]["span_id"] == outer["parent_span_id"]


def test_what_is_set_for_a_request_is_known_inside_of_its_contexts(records: Records) -> None:
    """Of those that began before, whose own fields and ids stay as they are."""
    app = FastAPI()
    install(app)

    async def context() -> AsyncIterator[None]:
        with LoggingContext(tenant="acme", user="anonymous"):
            log.info("context")
            yield

    def know() -> None:
        log.set_trace_context(tenant="other", region="eu")

    async def wait(known: asyncio.Event) -> None:
        with LoggingContext(tenant="acme", step=1):
            await known.wait()
            log.info("step")

    @app.get("/", dependencies=[Depends(context)])
    async def endpoint() -> None:
        log.set_trace_context(user="u-1")
        log.info("inside")

    @app.get("/beside")
    async def beside() -> None:
        known = asyncio.Event()
        task = asyncio.create_task(wait(known))
        await asyncio.sleep(0)
        await run_in_threadpool(know)
        known.set()
        await task
        log.info("after")

    get(app)
    seen = by_message(records)
    assert (seen["context"]["user"], seen["inside"]["user"], seen["access"]["user"]) == ("anonymous", "u-1", "u-1")
    assert seen["inside"]["span_id"] == seen["context"]["span_id"] != seen["access"]["span_id"]
    assert "tenant" not in seen["access"]
    get(app, "/beside")
    seen = by_message(records)
    assert {name: (seen[name].get("tenant"), seen[name].get("region")) for name in ("step", "after", "access")} == {
        "step": ("acme", "eu"),
        "after": ("other", "eu"),
        "access": ("other", "eu"),
    }
    assert seen["step"]["trace_id"] == seen["after"]["trace_id"]
    assert seen["step"]["span_id"] != seen["after"]["span_id"] == seen["access"]["span_id"]


def test_what_was_carried_here_is_no_part_of_the_request(records: Records) -> None:
    """A function that has a context of its own keeps it as it was, whatever is set in it or around it."""
    with LoggingContext(trace_id="t-1", job="nightly"):

        @carry
        async def carried() -> None:
            log.set_trace_context(step=1)
            await run_in_threadpool(set_user)
            log.info("inside")

    app = FastAPI()
    install(app)

    @app.get("/")
    async def endpoint() -> None:
        log.set_trace_context(region="eu")
        await carried()

    get(app)
    seen = by_message(records)
    inside = {key: seen["inside"].get(key) for key in ("trace_id", "job", "step", "region", "user")}
    assert inside == {"trace_id": "t-1", "job": "nightly", "step": 1, "region": None, "user": None}
    assert "step" not in seen["access"]


@pytest.fixture
def carrying() -> Iterator[None]:
    """Threads and pools carry by themselves."""
    carry_into_threads()
    yield
    carry_into_threads(False)


def in_a_thread(function: Callable[[], Any]) -> None:
    """Runs a function in a thread that is told what to carry."""
    thread = threading.Thread(target=carry(function))
    thread.start()
    thread.join()


def in_any_thread(function: Callable[[], Any]) -> None:
    """Runs one in a thread that is told nothing."""
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()


def in_a_pool(function: Callable[[], Any]) -> None:
    """Runs one in a pool's thread."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(function).result()


def as_a_coroutine(function: Callable[[], Any]) -> None:
    """Runs one in a coroutine that carries, in an event loop of another thread."""

    @carry
    async def carried() -> None:
        function()

    in_any_thread(lambda: asyncio.run(carried()))


def as_a_generator(function: Callable[[], Any]) -> None:
    """Runs one in a generator that carries, whose steps another thread takes."""

    @carry
    def carried() -> Iterator[None]:
        yield function()

    steps = carried()
    in_any_thread(lambda: list(steps))


@pytest.mark.usefixtures("carrying")
@pytest.mark.parametrize("how", [in_a_thread, in_any_thread, in_a_pool, as_a_coroutine, as_a_generator])
@pytest.mark.parametrize("place", [nullcontext, lambda: LoggingContext(step=1), lambda: span("work")])
def test_a_thread_that_carries_is_a_part_of_the_request(records: Records, how: Any, place: Any) -> None:
    """What it sets is the request's, and what the request has meanwhile is the thread's. Seen to fail with fields that stayed in the thread."""
    app = FastAPI()
    install(app)

    def work() -> None:
        log.info("began")
        log.set_trace_context(user="u-1")
        log.info("inside")
        clear_trace_context()
        log.info("cleared")
        log.set_trace_context(tenant="acme")

    @app.get("/")
    def endpoint() -> None:
        log.set_trace_context(region="eu")
        with place():
            how(work)
            log.info("after")

    get(app)
    seen = by_message(records)
    told = {name: [seen[name].get(key) for key in ("region", "user", "tenant")] for name in seen}
    expected = {
        "began": ["eu", None, None],
        "inside": ["eu", "u-1", None],
        "cleared": ["eu", None, None],
        "after": ["eu", None, "acme"],
        "access": ["eu", None, "acme"],
    }
    assert {name: told[name] for name in expected} == expected
    assert {seen[name]["span_id"] for name in ("began", "inside", "cleared", "after")} == {seen["after"]["span_id"]}


def test_a_function_that_carries_goes_on_to_follow_its_request(records: Records) -> None:
    """Whenever it is called: also with what was set after it was bound, as a task would."""
    app = FastAPI()
    install(app)

    @app.get("/")
    def endpoint() -> None:
        later = carry(lambda: log.info("inside"))
        log.set_trace_context(user="u-1")
        in_any_thread(later)
        contextvars.Context().run(later)

    get(app)
    told = [record for record in records() if record["message"] == "inside"]
    assert [record["user"] for record in told] == ["u-1", "u-1"]
    assert {record["trace_id"] for record in told} == {by_message(records)["access"]["trace_id"]}


def test_a_request_keeps_no_other(records: Records) -> None:
    """Threads of a pool serve one request after the other, and tasks live on: each has its own."""
    app = FastAPI()
    install(app)
    living: list[asyncio.Task[None]] = []

    async def live_on(number: int) -> None:
        await asyncio.sleep(0.05)
        log.info(f"task of {number}")

    @app.get("/{number}", dependencies=[Depends(lambda number: log.set_trace_context(number=number))])
    async def endpoint(number: int) -> None:
        living.append(asyncio.create_task(live_on(number)))

    async def ask() -> None:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            await asyncio.gather(*(client.get(f"/{number}") for number in range(50)))
        await asyncio.gather(*living)

    asyncio.run(ask())
    told = by_message(records)
    assert all(told[f"task of {number}"]["number"] in (number, str(number)) for number in range(50))


def test_what_is_set_again_and_again_is_kept_once() -> None:
    """A websocket that sets a field for each message, beside a task that has seen the first: nothing piles up."""

    class Value:
        def __repr__(self) -> str:
            return "value"

    values: list[weakref.ref[Value]] = []
    kept: list[weakref.ref[Value]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen = asyncio.Event()

        async def beside() -> None:
            await seen.wait()
            assert get_trace_context()["message"] == "last"

        log.set_trace_context(message="first")
        task = asyncio.create_task(beside())
        await asyncio.sleep(0)
        for _ in range(1_000):
            value = Value()
            values.append(weakref.ref(value))
            log.set_trace_context(message=value)
            await asyncio.to_thread(log.set_trace_context, step=value) if len(values) % 100 == 0 else None
        del value
        log.set_trace_context(message="last", step=None)
        gc.collect()
        kept.extend(value for value in values if value() is not None)
        seen.set()
        await task

    asyncio.run(Call()(Middleware(app), http("/")))
    assert len(values) == 1_000
    # Those of the last two calls may be what a context that nobody has asked since was made of.
    assert len(kept) <= 2
