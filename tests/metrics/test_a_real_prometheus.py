"""A service of gunicorn, whose workers restart and are killed, scraped by a real Prometheus."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from servers import Server

pytest.importorskip("gunicorn")

SERVICE = """
import os
from unified_logger import get_logger, init_logging
from unified_logger.integrations.metrics import WSGIApp
from unified_logger.integrations.wsgi import Middleware

init_logging(log_dir="logs", max_bytes=0, console_format="off", overflow_timeout=60, record_metrics={
    "requests_total": {"type": "count", "loggers": ["app"], "labels": {"kind": {"field": "kind", "values": ["good", "bad"]}}},
    "latency_seconds": {"type": "histogram", "field": "latency_ms", "scale": 0.001, "buckets": [0.1, 1], "loggers": ["app"]},
})
logger = get_logger("app")
metrics = WSGIApp()

def serve(environ, start_response):
    number = int(environ["PATH_INFO"].strip("/"))
    if number % 100 == 99:
        logger.error("request", kind="bad", number=number, latency_ms=2000)
    else:
        logger.info("request", kind="good", number=number, latency_ms=number % 300)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]

served = Middleware(serve)

def application(environ, start_response):
    return (metrics if environ["PATH_INFO"] == "/metrics" else served)(environ, start_response)
"""
CONFIGURATION = """
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs: [{job_name: shop, static_configs: [{targets: ["127.0.0.1:PORT"]}]}]
"""
ERRORS = 'unified_logger_records_accepted_total{level="ERROR"}'


class Prometheus:
    """A server of its own, which scrapes one port each second."""

    def __init__(self, folder: Path, port: int) -> None:
        program = shutil.which("prometheus")
        if program is None:
            pytest.skip("Prometheus is not installed")
        folder.mkdir()
        (folder / "prometheus.yml").write_text(CONFIGURATION.replace("PORT", str(port)), encoding="utf-8")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        options = {
            "config.file": folder / "prometheus.yml",
            "storage.tsdb.path": folder / "data",
            "web.listen-address": self.address,
            "enable-feature": "exemplar-storage",
        }
        self.output = folder / "output.txt"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [program, *(f"--{name}={value}" for name, value in options.items())],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def ask(self, path: str, **parameters: str) -> Any:
        """What the API answers."""
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"http://{self.address}/api/v1/{path}?{query}", timeout=10) as answer:
            return json.load(answer)["data"]

    def value(self, query: str) -> float | None:
        """The sum of what a query gives now; None for nothing."""
        found = self.ask("query", query=query)["result"]
        return sum(float(one["value"][1]) for one in found) if found else None

    def wait(self, query: str, wanted: Callable[[float], bool], seconds: float = 60) -> float:
        """Waits until a query gives a wanted value."""
        deadline, found = time.monotonic() + seconds, None
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.output.read_text()
            try:
                found = self.value(query)
            except OSError:  # it is starting
                found = None
            if found is not None and wanted(found):
                return found
            time.sleep(0.2)
        raise AssertionError(f"{query} is {found}")

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Server]:
    """Four workers, each of which ends after some requests."""
    (tmp_path / "gunicorn.conf.py").write_text("control_socket_disable = True\n")
    workers = ("-w", "4", "--max-requests", "60", "--max-requests-jitter", "20")
    server = Server(tmp_path, SERVICE, "gunicorn", *workers, "--bind", "fd://FD", "service:application")
    yield server
    server.end()


@pytest.fixture
def prometheus(tmp_path: Path, service: Server) -> Iterator[Prometheus]:
    server = Prometheus(tmp_path / "prometheus", service.port)
    yield server
    server.end()


def exposition(port: int) -> bytes:
    request = urllib.request.Request(f"http://127.0.0.1:{port}/metrics")
    with urllib.request.urlopen(request, timeout=30) as answer:
        body: bytes = answer.read()
    return body


def test_its_counts_are_those_of_the_files(service: Server, prometheus: Prometheus, tmp_path: Path) -> None:
    """Over workers that restart and one that is killed. No count ever goes back, and the very first error is seen."""
    # Every series is there at 0 before anything has happened, so that its first change is an increase.
    assert prometheus.wait(f"sum({ERRORS})", lambda found: found == 0) == 0
    assert prometheus.value('requests_total{kind="bad"}') == 0
    service.get(99)
    prometheus.wait(f"increase({ERRORS}[1m])", lambda found: found >= 1)
    for start in range(100, 700, 100):
        worker = service.get(start)
        if start == 300:
            os.kill(worker, signal.SIGKILL)
        service.get_all(range(start + 1, start + 100))
    total = 1 + 6 * 100
    prometheus.wait("sum(requests_total)", lambda found: found >= total)
    time.sleep(2.5)  # two scrapes more
    assert prometheus.value("sum(requests_total)") == total
    assert prometheus.value('requests_total{kind="bad"}') == 7
    assert prometheus.value("latency_seconds_count") == total
    counters = prometheus.ask("query", query='{job="shop", __name__=~".+_total|.+_count|.+_bucket"}')["result"]
    names = {one["metric"]["__name__"] for one in counters}
    assert len(names) > 20
    assert {name: prometheus.value(f"sum(resets({name}[10m]))") for name in names} == dict.fromkeys(names, 0)
    lines = (tmp_path / "logs" / "app.log").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    assert sum(record["logger"] == "app" for record in records) == total
    assert prometheus.value(f"sum({ERRORS})") == sum(record["level"] == "ERROR" for record in records) == 7
    # An exemplar leads to the records of its trace.
    now = time.time()
    series = prometheus.ask("query_exemplars", query="latency_seconds_bucket", start=str(now - 600), end=str(now + 60))
    traces = {exemplar["labels"]["trace_id"] for one in series for exemplar in one["exemplars"]}
    assert traces
    assert traces <= {record.get("trace_id") for record in records}


def test_promtool_has_nothing_to_say(service: Server) -> None:
    """Of the older text, which is what it checks."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    service.get_all(range(90, 110))
    checked = subprocess.run(
        [promtool, "check", "metrics"], input=exposition(service.port), capture_output=True, timeout=60, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
