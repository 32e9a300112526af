"""uvicorn, hypercorn and granian, over HTTP: what they log is in our files once, and each request has one line."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from asgi_server import Server
from programs import program

pytest.importorskip("fastapi")
websockets = pytest.importorskip("websockets")

ACCESS = "unified_logger.access"
# Everything the servers log themselves.
OWN = ("uvicorn", "hypercorn", "_granian", "granian")

APP = program(__file__, "service")

UVICORN = ("-m", "uvicorn", "--fd", "FD", "--log-config", "logging.json", "service:app")
HYPERCORN = ("-m", "hypercorn", "-b", "fd://FD", "--log-config", "json:logging.json", "service:app")
GRANIAN = ("-m", "granian", "--interface", "asgi", "--port", "PORT", "--log-config", "logging.json", "service:app")
# With their own access lines on, where these are off by default.
TELLING = {"uvicorn": (), "hypercorn": ("--access-logfile", "-"), "granian": ("--access-log",)}
COMMANDS = {"uvicorn": UVICORN, "hypercorn": HYPERCORN, "granian": GRANIAN}
WORKERS = {
    # It kills workers that take longer than 5 s to start or to answer it, as they may on a busy machine.
    "uvicorn": ("--workers", "2", "--timeout-worker-healthcheck", "60"),
    "hypercorn": ("-w", "2"),
    "granian": ("--workers", "2"),
}
ENDED = {"uvicorn": "Finished server process", "granian": "Granian shutdown completed"}


def serve(folder: Path, server: str, *more: str, code: str = APP, **environment: str) -> Server:
    """A server with the configuration that its integration prints."""
    pytest.importorskip(server)
    printed = subprocess.run(
        [sys.executable, "-m", f"unified_logger.integrations.{server}"], check=True, capture_output=True, timeout=60
    )
    (folder / "logging.json").write_bytes(printed.stdout)
    return Server(folder, code, *COMMANDS[server], *more, UNIFIED_LOGGER_LOG_DIR="logs", **environment)


SERVERS = pytest.mark.parametrize("server", list(COMMANDS))


@SERVERS
def test_every_request_has_one_line_and_every_exception_one_traceback(tmp_path: Path, server: str) -> None:
    """The server's own access line, and its own record of the exception, are left out."""
    with serve(tmp_path, server, *TELLING[server]) as running:
        answers = {
            path: running.get(path) for path in ("/numbers/7", "/threads/7", "/fails", "/stream", "/file", "/nowhere")
        }
        running.get("/fails-later")
        status, headers, _ = running.get("/caf%E9/%FF%0A", traceparent="\xff\xfe")
        running.stop()
        found = running.records()
    lines = {record["path"]: record for record in found if record["logger"] == ACCESS}
    assert [record["logger"] for record in found].count(ACCESS) == len(lines) == 8
    # What is no text: a path like any other that is not found, and a trace that is not taken over.
    (odd,) = [lines.pop(path) for path in list(lines) if path.startswith("/caf")]
    assert (odd["status"], odd["trace_id"]) == (status, headers["x-trace-id"])
    assert status == 404
    for path, (status, headers, body) in answers.items():
        record = lines[path]
        assert (record["status"], record["trace_id"]) == (status, headers["x-trace-id"])
        assert record["bytes"] == len(body)
        assert record["client"] == "127.0.0.1"
    assert {path: record["route"] for path, record in lines.items()} == {
        "/numbers/7": "/numbers/{number}",
        "/threads/7": "/threads/{number}",
        **{path: path for path in ("/fails", "/stream", "/file", "/nowhere", "/fails-later")},
    }
    failed = [record for record in found if "exception" in record or "Traceback" in record["message"]]
    assert [record["exception"]["message"] for record in failed] == ["no such order", "'later'"]
    assert failed[1]["trace_id"] == lines["/fails-later"]["trace_id"]
    assert not [record for record in found if record["logger"].endswith(".access") and record["logger"] != ACCESS]
    assert not [record for record in found if "color_message" in record]
    assert running.unformatted() == []


@SERVERS
def test_a_websocket_has_one_line(tmp_path: Path, server: str) -> None:
    """At its end, with how it ended; a client that has gone is no error."""

    async def talk(port: int) -> str | None:
        url = f"ws://127.0.0.1:{port}/echo/kitchen"
        async with websockets.connect(url, additional_headers={"traceparent": parent(1)}) as socket:
            await socket.send("hello")
            assert await socket.recv() == "hello"
        return socket.response.headers.get("x-trace-id")

    with serve(tmp_path, server, *TELLING[server]) as running:
        trace = asyncio.run(talk(running.port))
        running.wait_for("WEBSOCKET")
        running.stop()
        found = running.records()
    # granian passes on no headers with the answer to a handshake.
    assert trace == (None if server == "granian" else f"{1:032x}")
    about = [record for record in found if "/echo" in record["message"]]
    (record,) = about
    wanted = {"route": "/echo/{room}", "status": 101, "bytes": 5, "messages_received": 1, "messages_sent": 1}
    assert {name: record[name] for name in wanted} == wanted
    assert (record["level"], record["trace_id"]) == ("INFO", f"{1:032x}")
    assert record["close_code"] in (1000, 1005, 1006)
    assert not [record for record in found if record["level"] in ("ERROR", "WARNING")]


@SERVERS
def test_workers_and_the_process_above_them_log_into_the_same_files(tmp_path: Path, server: str) -> None:
    """Nothing is lost at a graceful stop, nothing doubled, and nothing unformatted comes out."""
    with serve(tmp_path, server, *WORKERS[server]) as running:
        answered: set[bytes] = set()
        asked = 0
        while len(answered) < 2:
            assert asked < 2_000, "one worker answered everything"
            answered.add(running.get(f"/numbers/{asked}")[2])
            asked += 1
        running.stop()
        found = running.records()
    numbers = [record["number"] for record in found if record["logger"] == "app"]
    assert sorted(numbers) == sorted(list(range(asked)) * 4)
    assert sum(record["logger"] == ACCESS for record in found) == asked
    processes = {record["process"] for record in found}
    assert processes >= {int(process) for process in answered}
    if server in ENDED:  # hypercorn's process above the workers says nothing.
        assert running.process.pid in processes
    assert_each_said_once(found)
    assert running.unformatted() == []


def assert_each_said_once(found: list[dict[str, Any]]) -> None:
    """No record of a server is there twice."""
    said = [
        (record["process"], record["timestamp"], record["message"])
        for record in found
        if record["logger"].startswith(OWN)
    ]
    assert said
    assert len(said) == len(set(said))


@SERVERS
def test_ctrl_c_loses_nothing(tmp_path: Path, server: str) -> None:
    """The last that a server says is in the file."""
    with serve(tmp_path, server) as running:
        running.get("/numbers/7")
        running.stop(signal.SIGINT)
        found = running.records()
    assert [record["message"] for record in found if record["logger"] in ("app", ACCESS)] == [
        "step",
        "step",
        "task",
        "GET /numbers/{number} 200",
        "background",
    ]
    if server in ENDED:
        assert any(ENDED[server] in record["message"] for record in found)
    assert running.unformatted() == []


@SERVERS
def test_sighup_puts_new_workers_in_place(tmp_path: Path, server: str) -> None:
    """Those that go write what they have; those that come write on."""
    more = ("--respawn-interval", "0.1") if server == "granian" else ()
    with serve(tmp_path, server, *WORKERS[server], *more) as running:
        started, ended = {
            "uvicorn": ("Application startup complete", "Finished server process"),
            "hypercorn": ("Running on", None),
            "granian": ("Started worker", "Stopping worker-"),
        }[server]
        running.wait_for(started, 2)
        before = running.get("/numbers/1")[2]
        seen = {record["process"] for record in running.records()}
        running.process.send_signal(signal.SIGHUP)
        running.wait_for(started, 4)
        if ended:
            running.wait_for(ended, 2)
        after = running.get("/numbers/2")[2]
        running.stop()
        found = running.records()
    assert int(before) in seen
    assert int(after) not in seen
    assert sorted(record["number"] for record in found if record["logger"] == "app") == [1] * 4 + [2] * 4
    assert_each_said_once(found)
    assert running.unformatted() == []


def test_the_process_that_reloads_logs_too(tmp_path: Path) -> None:
    """It watches for changes and never has the application."""
    with serve(tmp_path, "uvicorn", "--reload") as running:
        running.get("/numbers/1")
        running.stop()
        found = running.records("uvicorn")
    assert {record["process"] for record in found if "reloader" in record["message"]} == {running.process.pid}
    assert len({record["process"] for record in found}) == 2
    assert running.unformatted() == []


@SERVERS
def test_a_client_that_goes_in_the_middle_is_told_once(tmp_path: Path, server: str) -> None:
    """The stream is cancelled, and its request has its line."""

    async def leave(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET /endless HTTP/1.1\r\nhost: test\r\ntraceparent: {parent(7)}\r\n\r\n".encode())
        await reader.readexactly(100_000)
        writer.transport.abort()

    with serve(tmp_path, server, *TELLING[server]) as running:
        asyncio.run(leave(running.port))
        running.wait_for("/endless")
        running.get("/numbers/1")
        running.stop()
        found = running.records(ACCESS, *(f"{name}.access" for name in COMMANDS))
    about = [record for record in found if "/endless" in record["message"]]
    (record,) = about
    assert (record["trace_id"], record["status"]) == (f"{7:032x}", 200)
    assert record["bytes"] >= 65_536


def test_the_application_given_as_an_object_is_served_the_same(tmp_path: Path) -> None:
    """`uvicorn.run(app, log_config=LOG_CONFIG)`, and with uvicorn's own configuration too."""
    run = "\nif __name__ == '__main__':\n    import uvicorn\n    from unified_logger.integrations.uvicorn import LOG_CONFIG\n"
    with Server(
        tmp_path,
        APP + run + "    import sys; uvicorn.run(app, fd=int(sys.argv[1]), log_config=LOG_CONFIG)\n",
        "service.py",
        "FD",
    ) as running:
        running.get("/numbers/1", "/fails")
        running.stop()
        found = running.records()
    assert [record["logger"] for record in found].count(ACCESS) == 2
    assert sum("exception" in record for record in found) == 1
    assert sum("Finished server process" in record["message"] for record in found) == 1
    assert running.unformatted() == []


def parent(number: int) -> str:
    """A `traceparent` of a trace that a number names."""
    return f"00-{number:032x}-b7ad6b7169203331-01"


@pytest.mark.stress
@SERVERS
def test_thousands_of_interleaved_requests_keep_their_traces(tmp_path: Path, server: str) -> None:
    """Two thousand over fifty connections, to two workers: every record has the trace of its own request."""
    connections, each = 50, 40

    async def ask_all(running: Server) -> dict[int, str]:
        async def ask(connection: int) -> dict[int, str]:
            numbers = range(connection * each + 1, (connection + 1) * each + 1)
            kinds = [("threads" if number % 4 == 0 else "numbers") for number in numbers]
            # Every other one comes with a trace.
            headers = [{"traceparent": parent(number)} if number % 2 else {} for number in numbers]
            paths = [f"/{kind}/{number}" for kind, number in zip(kinds, numbers, strict=True)]
            answers = await running.ask(zip(paths, headers, strict=True))
            return {number: told["x-trace-id"] for number, (_, told, _) in zip(numbers, answers, strict=True)}

        found = await asyncio.gather(*map(ask, range(connections)))
        return {number: trace for one in found for number, trace in one.items()}

    with serve(tmp_path, server, *WORKERS[server], UNIFIED_LOGGER_CONSOLE_FORMAT="off") as running:
        told = asyncio.run(ask_all(running))
        running.stop()
        found = running.records("app", ACCESS)
    count = connections * each
    assert len(told) == len(set(told.values())) == count
    assert all(told[number] == f"{number:032x}" for number in told if number % 2)
    for record in found:
        number = record["number"] if "number" in record else int(record["path"].rpartition("/")[2])
        assert record["trace_id"] == told[number]
    assert sum(record["logger"] == ACCESS for record in found) == count
    assert len(found) == count + count // 4 + count // 4 * 3 * 4


def test_the_printed_configuration_is_the_one_of_the_module() -> None:
    """What goes into a file is what programs give."""
    pytest.importorskip("uvicorn")
    from unified_logger.integrations.uvicorn import LOG_CONFIG, log_config

    assert json.loads(json.dumps(LOG_CONFIG)) == log_config()
    assert log_config(log_dir="elsewhere")["handlers"]["unified_logger"]["log_dir"] == "elsewhere"
