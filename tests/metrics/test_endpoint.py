"""The library answers scrapes over HTTP, if that is asked for, as the configuration says."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from kinds import Records, Run, Start
from over_http import ask, ask_raw, eventually
from scrapes import free_port, port_of, series

from unified_logger import (
    ConfigurationError,
    flush_logging,
    get_logger,
    get_stats,
    init_logging,
    init_logging_from_config,
    metrics_url,
    reload_logging,
    shutdown_logging,
)
from unified_logger.process import endpoint

TAKEN = "another program has the port"


def threads() -> list[str]:
    """The threads of endpoints."""
    return [thread.name for thread in threading.enumerate() if thread.name == "unified_logger_metrics"]


def test_it_is_off_unless_it_is_asked_for(run_python: Run) -> None:
    """And costs nothing then: no thread, and no module that it would need."""
    run_python("""
import sys, threading
from unified_logger import flush_logging, init_logging
init_logging(log_dir="logs")
assert flush_logging(10)
assert [thread.name for thread in threading.enumerate()] == ["MainThread"]
assert not {"http.server", "socketserver", "unified_logger.process.endpoint", "unified_logger.process.exposition"} & sys.modules.keys()
from unified_logger import metrics_url
assert metrics_url() is None
""")


def test_it_answers_on_loopback_at_a_path(start: Start) -> None:
    """With the metrics, in the form that is asked for; other paths and methods are refused."""
    start(metrics={"port": 0})
    port = port_of(metrics_url())
    assert metrics_url() == f"http://127.0.0.1:{port}/metrics"
    get_logger("app").info("m")
    assert flush_logging(10)
    assert series(port, 'records_written_total{file="app"}') == 1
    answer = ask(port, "/metrics?name=value", headers={"Accept": "application/openmetrics-text"})
    assert answer.body.endswith(b"# EOF\n")
    assert answer.headers["server"] == "unified_logger", "no version is told"
    assert ask(port, "/metrics", "HEAD").body == b""
    assert [ask(port, path).status for path in ("/", "/metrics/", "/metricsx")] == [404, 404, 404]
    refused = ask(port, "/metrics", "POST")
    assert (refused.status, refused.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    ("given", "key", "allowed"),
    [
        ({"port": -1}, "metrics.port", "from 0 to 65535"),
        ({"port": 65_536}, "metrics.port", "from 0 to 65535"),
        ({"port": "9464"}, "metrics.port", "from 0 to 65535"),
        ({"port": True}, "metrics.port", "from 0 to 65535"),
        ({"host": ""}, "metrics.host", "without a port"),
        ({"host": "a b"}, "metrics.host", "without a port"),
        ({"host": "http://here"}, "metrics.host", "without a port"),
        ({"path": "metrics"}, "metrics.path", "begins with /"),
        ({"path": "/a?b"}, "metrics.path", "begins with /"),
        ({"path": "/a b\r\n"}, "metrics.path", "begins with /"),
        (9464, "metrics", "true, false, or a mapping"),
        ("on", "metrics", "true, false, or a mapping"),
    ],
)
def test_bad_values_are_refused_at_the_start(given: object, key: str, allowed: str) -> None:
    """With source, key, value and what is allowed."""
    with pytest.raises(ConfigurationError) as caught:
        init_logging(metrics=given)  # type: ignore[arg-type]
    assert (caught.value.source, caught.value.key) == ("argument", key)
    assert allowed in caught.value.allowed


def test_in_a_file_its_line_is_named(tmp_path: Path) -> None:
    """With the nearest key for one that is unknown."""
    file = tmp_path / "logging.yaml"
    for line, key, suggestion in [("port: 99999", "metrics.port", None), ("prot: 9464", "metrics.prot", "port")]:
        file.write_text(f"log_level: INFO\nmetrics:\n  host: 127.0.0.1\n  {line}\n")
        with pytest.raises(ConfigurationError) as caught:
            init_logging_from_config(str(file))
        assert (caught.value.source, caught.value.line) == (str(file), 4)
        assert (caught.value.key, caught.value.suggestion) == (key, suggestion)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("true", ("127.0.0.1", 9464, "/metrics")),
        ('{"port": 9100, "path": "/m"}', ("127.0.0.1", 9100, "/m")),
        ("{}", ("127.0.0.1", 9464, "/metrics")),
        ("off", None),
    ],
)
def test_the_environment_gives_it_too(text: str, wanted: object) -> None:
    """As a word, or as JSON. What an argument does not name stays."""
    from unified_logger.config import resolve

    environ = {"UNIFIED_LOGGER_METRICS": text}
    found = resolve({}, environ=environ).metrics
    assert (None if found is None else (found["host"], found["port"], found["path"])) == wanted
    above = resolve({"metrics": {"host": "::1"}}, environ=environ).metrics
    assert above is not None
    assert above == {**(found or {"port": 9464, "path": "/metrics"}), "host": "::1"}
    assert resolve({"metrics": False}, environ=environ).metrics is None


def test_the_default_is_loopback_alone() -> None:
    """So that a firewall that somebody forgot opens nothing."""
    from unified_logger.config import resolve

    assert resolve({"metrics": True}, environ={}).metrics == {"host": "127.0.0.1", "port": 9464, "path": "/metrics"}


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6")
def test_it_answers_at_addresses_of_ipv6(start: Start) -> None:
    """With their URL as browsers have it."""
    start(metrics={"host": "::1", "port": 0})
    url = metrics_url()
    if url is None:
        pytest.skip("there is no loopback of IPv6")
    assert url.startswith("http://[::1]:")


def test_it_starts_moves_and_ends_with_the_configuration(start: Start, tmp_path: Path) -> None:
    """Also by a file that is read again."""
    ports = [free_port(), free_port()]
    file = tmp_path / "logging.yaml"

    def write(metrics: object) -> None:
        file.write_text(json.dumps({"log_dir": str(tmp_path / "logs"), "console_format": "off", "metrics": metrics}))

    write(False)
    init_logging_from_config(str(file))
    assert metrics_url() is None
    for port, path in [(ports[0], "/metrics"), (ports[0], "/other"), (ports[1], "/other")]:
        write({"port": port, "path": path})
        changed = reload_logging()
        assert any(name.startswith("metrics") for name in changed)
        assert metrics_url() == f"http://127.0.0.1:{port}{path}"
        assert ask(port, path).status == 200
    with pytest.raises(ConnectionRefusedError):
        ask(ports[0], "/other")
    write(False)
    reload_logging()
    assert (metrics_url(), threads()) == (None, [])


def test_it_ends_with_logging_and_begins_again_with_it(start: Start) -> None:
    """At once, so that another process can follow."""
    port = free_port()
    for _ in range(2):
        start(metrics={"port": port})
        assert ask(port, "/metrics").status == 200
        assert shutdown_logging(10)
        assert (metrics_url(), threads()) == (None, [])
        with pytest.raises(ConnectionRefusedError):
            ask(port, "/metrics")


def test_a_port_of_another_program_is_told_once_and_logging_goes_on(start: Start, records: Records) -> None:
    """It is counted, and the port is taken as soon as it is free."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        before = get_stats()["errors"]
        other.settimeout(30)
        port = other.getsockname()[1]
        start(console_format="off", metrics={"port": port})
        connection, _ = other.accept()
        with connection:
            connection.settimeout(30)
            connection.recv(4_096)
            connection.sendall(b"-ERR unknown command\r\n\r\n")
        complaints = eventually(lambda: [record for record in records() if TAKEN in record["message"]])
        assert (len(complaints), complaints[0]["level"], complaints[0]["port"]) == (1, "WARNING", port)
        assert get_stats()["errors"] == before + 1
        assert metrics_url() is None
        get_logger("app").info("goes on")
        assert records()[-1]["message"] == "goes on"
        assert endpoint._endpoint is not None
        for _ in range(5):
            endpoint._endpoint.open()
    eventually(metrics_url)
    assert ask(port, "/metrics").status == 200
    assert len([record for record in records() if TAKEN in record["message"]]) == 1


@pytest.mark.parametrize("host", ["192.0.2.1", "a..b", "nobody.invalid", "127.0.0.1:80", "::%nothing"])
def test_an_address_that_is_not_there_is_told_once(host: str, start: Start, records: Records) -> None:
    """With what the system says. Logging starts all the same."""
    start(console_format="off", metrics={"host": host, "port": 9464})
    assert endpoint._endpoint is not None
    for _ in range(3):
        endpoint._endpoint.open()
    [complaint] = [record for record in records() if f"cannot be answered at {host}" in record["message"]]
    assert complaint["level"] == "WARNING"


def test_it_has_no_effect_without_the_engine(run_python: Run) -> None:
    """Which is told."""
    done = run_python(
        "from unified_logger import init_logging, metrics_url\n"
        "init_logging(log_dir='logs', metrics=True)\nassert metrics_url() is None",
        USE_UNIFIED_LOGGING="false",
    )
    assert "metrics has no effect" in done.stdout + done.stderr


def test_slow_clients_hold_up_nobody_for_long(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as there may be, whose requests never end: they are broken off, and the next client is served."""
    monkeypatch.setattr(endpoint, "_PATIENCE", 0.2)
    start(metrics={"port": 0})
    port = port_of(metrics_url())
    slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(3 * endpoint._MOST)]
    goes_on = threading.Event()

    def trickle() -> None:
        while not goes_on.wait(0.02):
            for each in slow:
                with suppress(OSError):
                    each.sendall(b"G")

    thread = threading.Thread(target=trickle)
    thread.start()
    try:
        assert ask(port, "/metrics").status == 200
        assert endpoint._endpoint is not None
        assert len(endpoint._endpoint._connections) <= endpoint._MOST
    finally:
        goes_on.set()
        thread.join()
        for each in slow:
            each.close()


@pytest.mark.parametrize(
    "request_sent", [b"\r\n\r\n", b"nonsense\r\n\r\n", b"GET\r\n\r\n", b"\xff" * 70_000, b"GET / HTTP/9.9\r\n\r\n"]
)
def test_what_is_no_request_harms_nothing(request_sent: bytes, start: Start, records: Records) -> None:
    """And is no record."""
    start(console_format="off", metrics={"port": 0})
    port = port_of(metrics_url())
    before = get_stats()["errors"]
    with suppress(ConnectionResetError):
        ask_raw(port, request_sent)
    assert ask(port, "/metrics").status == 200
    assert records() == []
    assert get_stats()["errors"] == before
