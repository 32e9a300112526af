"""`httpx.install()` reaches every client of httpx and httpx2, wherever it is kept and whenever it was made or imported."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from kinds import Records

httpx = pytest.importorskip("httpx")
httpx2 = pytest.importorskip("httpx2")

from unified_logger import LoggingContext, get_logger  # noqa: E402
from unified_logger.integrations import httpx as calls  # noqa: E402

TRACE = "ab" * 16
COMPLETION = {
    "id": "1",
    "object": "chat.completion",
    "created": 1,
    "model": "small",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hello"}}],
}


class Model(BaseHTTPRequestHandler):
    """Answers as a language model's API does, and as any other server; notes the trace of each request."""

    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self.server.seen.append(self.headers.get("traceparent"))  # type: ignore[attr-defined]
        self.rfile.read(int(self.headers.get("content-length") or 0))
        body = json.dumps(COMPLETION).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Any]:
    """A server on loopback that has seen nothing yet."""
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    server.seen = []
    server.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def uninstalled() -> Iterator[None]:
    """Nothing is installed after a test."""
    yield
    calls.uninstall()


@pytest.fixture(params=[httpx, httpx2], ids=lambda library: library.__name__)
def library(request: pytest.FixtureRequest) -> Any:
    """One of the two."""
    return request.param


def traces(server: Any) -> list[str | None]:
    """The trace of each request that the server has seen."""
    return [parent and parent.split("-")[1] for parent in server.seen]


def test_clients_of_both_libraries_carry_the_trace(server: Any) -> None:
    """By one call of `install`, and no longer once it is reverted."""
    calls.install()
    with LoggingContext(trace_id=TRACE):
        httpx.get(server.url, trust_env=False)
        httpx2.get(server.url, trust_env=False)
        calls.uninstall()
        httpx.get(server.url, trust_env=False)
        httpx2.get(server.url, trust_env=False)
    assert traces(server) == [TRACE, TRACE, None, None]


def test_a_client_that_was_there_before_carries_it(library: Any, server: Any) -> None:
    """Also of a class that is derived from the library's own."""

    class Own(library.Client):  # type: ignore[misc, name-defined]
        def send(self, request: Any, **options: Any) -> Any:
            request.headers["x-own"] = "1"
            return super().send(request, **options)

    with library.Client(trust_env=False) as plain, Own(trust_env=False) as own:
        calls.install()
        with LoggingContext(trace_id=TRACE):
            plain.get(server.url)
            own.post(server.url, content=b"1")
            with plain.stream("GET", server.url) as response:
                response.read()
    assert traces(server) == [TRACE] * 3


def test_a_class_that_was_put_in_the_place_of_the_client_hides_none(
    library: Any, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tracers do that. Clients of the library's own class carry the trace all the same, and are known as clients."""
    before = library.Client, library.AsyncClient
    for kind in before:
        monkeypatch.setattr(library, kind.__name__, type(kind.__name__, (kind,), {}))

    async def ask() -> None:
        async with before[1](trust_env=False) as client:
            await client.get(server.url)

    calls.install()
    with LoggingContext(trace_id=TRACE), before[0](trust_env=False) as plain, library.Client(trust_env=False) as traced:
        plain.get(server.url)
        traced.get(server.url)
        asyncio.run(ask())
        calls.uninstall()
        plain.get(server.url)
        calls.install(plain)
        plain.get(server.url)
    assert traces(server) == [TRACE, TRACE, TRACE, None, TRACE]


def test_transports_and_mounts_get_the_header(library: Any) -> None:
    """A client with transports of its own is a client like any other."""
    seen = []

    def answer(request: Any) -> Any:
        seen.append(request.headers.get("traceparent", "")[3:35])
        return library.Response(200)

    calls.install()
    transport = library.MockTransport(answer)

    async def ask() -> None:
        async with library.AsyncClient(mounts={"all://": transport}) as client:
            await client.get("http://shop.test/")

    with LoggingContext(trace_id=TRACE):
        with library.Client(transport=transport) as client:
            client.get("http://shop.test/")
        asyncio.run(ask())
    assert seen == [TRACE, TRACE]


def test_event_hooks_run_within_the_call(
    library: Any, server: Any, start: Callable[..., Any], records: Records
) -> None:
    """A hook sees the header, and what it logs has the span of the call."""
    start(console_format="off")
    logger = get_logger("app")
    seen: list[str] = []

    def before(request: Any) -> None:
        seen.append(request.headers["traceparent"])
        logger.info("request")

    def after(response: Any) -> None:
        logger.info("response")

    calls.install(level="INFO")
    with library.Client(trust_env=False, event_hooks={"request": [before], "response": [after]}) as client:
        client.get(server.url)
    found = [record for record in records() if record["logger"] in ("app", calls.__name__)]
    assert [record["message"] for record in found] == ["request", "response", "outgoing call"]
    assert len({record["span_id"] for record in found}) == 1
    assert seen == server.seen == [f"00-{found[0]['trace_id']}-{found[0]['span_id']}-01"]


@pytest.mark.parametrize("is_named", [False, True], ids=["all", "the SDK's own"])
def test_the_client_within_an_sdk_carries_it(is_named: bool, server: Any) -> None:
    """Of OpenAI's SDK, synchronous and not; its client can be given instead of the one inside."""
    openai = pytest.importorskip("openai")
    messages: Any = [{"role": "user", "content": "hello"}]
    with openai.OpenAI(base_url=server.url, api_key="k", max_retries=0) as client:
        calls.install(client if is_named else None)
        with LoggingContext(trace_id=TRACE):
            assert client.chat.completions.create(model="small", messages=messages).id == "1"

    async def ask() -> None:
        async with openai.AsyncOpenAI(base_url=server.url, api_key="k", max_retries=0) as client:
            calls.install(client if is_named else None)
            with LoggingContext(trace_id=TRACE):
                await client.with_options(timeout=30).chat.completions.create(model="small", messages=messages)

    asyncio.run(ask())
    assert traces(server) == [TRACE, TRACE]


def test_an_object_without_a_client_is_refused() -> None:
    """With its class, before anything is installed."""
    with pytest.raises(TypeError, match=r"^dict is no client of httpx or httpx2"):
        calls.install({})


PROGRAM = """
import sys
{before}
from unified_logger import LoggingContext, init_logging
from unified_logger.integrations import httpx as calls  # noqa: E402
init_logging(log_dir=sys.argv[2], console_format="off")
calls.install(level="INFO")
assert {absent}
{after}
with LoggingContext(trace_id=sys.argv[3]):
    for library in ({used}):
        library.get(sys.argv[1], trust_env=False)
        assert library.__spec__.loader is library.__loader__
        assert type(library.__loader__).__name__ == "SourceFileLoader"
"""


@pytest.mark.parametrize(
    ("before", "absent", "after", "used"),
    [
        ("", "not {'httpx', 'httpx2'} & {*sys.modules}", "import httpx2, httpx", "httpx, httpx2"),
        ("import httpx", "'httpx2' not in sys.modules", "from httpx2 import _client; import httpx2", "httpx, httpx2"),
        ("sys.modules['httpx'] = None", "True", "import httpx2", "httpx2,"),
        ("sys.modules['httpx2'] = None", "True", "import httpx", "httpx,"),
        ("import httpx2; httpx2.alias_httpx()", "sys.modules['httpx'] is httpx2", "import httpx", "httpx,"),
        ("", "True", "import httpx2; httpx2.alias_httpx(); import httpx", "httpx,"),
    ],
    ids=["both later", "one later", "without httpx", "without httpx2", "alias before", "alias after"],
)
def test_a_library_that_is_imported_later_is_reached(
    before: str, absent: str, after: str, used: str, server: Any, tmp_path: Any
) -> None:
    """No library is imported for the sake of the installation, and each has its usual loader."""
    code = PROGRAM.format(before=before, absent=absent, after=after, used=used)
    done = subprocess.run(
        [sys.executable, "-c", code, server.url, str(tmp_path / "logs"), TRACE],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert traces(server) == [TRACE] * (used.count(",") + (not used.endswith(",")))


def test_nothing_waits_for_an_import_once_it_is_reverted() -> None:
    """The finder is gone from `sys.meta_path` too."""
    code = (
        "import sys; before = sys.meta_path[:]\n"
        "from unified_logger.integrations import httpx as calls\n"
        "calls.install(); assert sys.meta_path != before\n"
        "calls.uninstall(); assert sys.meta_path == before\n"
        "import httpx2; assert '_unified_logger_replaced' not in vars(httpx2.Client.send)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
