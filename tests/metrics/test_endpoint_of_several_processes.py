"""One process of a log directory answers scrapes for all of them, and another follows when it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from asgi_server import Server
from kinds import Records, Run, Start
from over_http import eventually
from scrapes import free_port, port_of, series

TAKEN = "another program has the port"
WORKER = """
import sys
from unified_logger import flush_logging, get_logger, init_logging, metrics_url
init_logging(log_dir=sys.argv[1], console_format="off", metrics={"port": int(sys.argv[2])})
get_logger("app").info("m")
assert flush_logging(10)
print(metrics_url(), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """`worker(port, directory="logs")`: a process that logs one record and lives on; it has its URL in `url`."""
    started = []

    def worker(port: int, directory: str = "logs") -> Any:
        process: Any = subprocess.Popen(
            [sys.executable, "-c", WORKER, directory, str(port)],
            cwd=tmp_path,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        process.url = process.stdout.readline().strip()
        return process

    yield worker
    for process in started:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


@pytest.mark.skipif(sys.platform == "win32", reason="no processes can be killed so")
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_another_process_of_the_directory_follows(end: int, worker: Any, tmp_path: Path) -> None:
    """Nobody complains meanwhile, and the counts go on."""
    port = free_port()
    first, second, third = (worker(port) for _ in range(3))
    assert (first.url, second.url, third.url) == (f"http://127.0.0.1:{port}/metrics", "None", "None")
    assert (series(port, 'records_written_total{file="app"}'), series(port, "processes")) == (3, 3)
    first.send_signal(end)
    first.wait(30)

    def written() -> float:
        try:
            return series(port, 'records_written_total{file="app"}')
        except OSError:
            return 0

    eventually(written, lambda found: found >= 3)
    assert series(port, "processes") == 2
    for process in (second, third):
        process.stdin.close()
        assert process.wait(30) == 0
    assert "metrics" not in (tmp_path / "logs" / "app.log").read_text()


def test_a_process_of_another_directory_is_another_program(start: Start, records: Records, worker: Any) -> None:
    """It answers for other counts."""
    other = worker(0, "other")
    start(console_format="off", metrics={"port": port_of(other.url)})
    eventually(lambda: [record for record in records() if TAKEN in record["message"]])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc tells who has a socket")
def test_a_forked_child_does_not_answer_on_its_parents_socket(run_python: Run) -> None:
    """It has no copy of it, follows when the parent ends, and no thread is there at the fork."""
    run_python(
        """
import os, sys, threading, time
# Hooks before a fork are called in reverse order: this one comes after those of the library.
os.register_at_fork(before=lambda: at_fork.append([thread.name for thread in threading.enumerate()]))
at_fork = []
from unified_logger import flush_logging, get_logger, init_logging, metrics_url, shutdown_logging
init_logging(log_dir="logs", console_format="off", metrics={"port": int(sys.argv[1])})
get_logger("app").info("m")
url = metrics_url()
read, write = os.pipe()
if os.fork() == 0:
    lines = open("/proc/net/tcp").read().splitlines()[1:]
    [inode] = [f"socket:[{line.split()[9]}]" for line in lines if line.split()[1].endswith(f":{int(sys.argv[1]):04X}") and line.split()[3] == "0A"]
    open_files = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd")]
    own = [os.readlink(path) for path in open_files if os.path.lexists(path)]
    os.write(write, b"1" if inode in own or metrics_url() else b"0")
    get_logger("app").info("m")
    while metrics_url() is None:
        time.sleep(0.01)
    os.write(write, b"f" if metrics_url() == url else b"x")
    flush_logging(10)
    os._exit(0)
assert at_fork == [["MainThread"]]
os.close(write)
assert os.read(read, 1) == b"0"
assert metrics_url() == url
import urllib.request
assert b"unified_logger_processes" in urllib.request.urlopen(url, timeout=10).read()
shutdown_logging(10)
assert os.read(read, 1) == b"f"
os.wait()
""",
        str(free_port()),
    )


SERVICE = """
import os
from unified_logger import get_logger, init_logging, metrics_url
init_logging(log_dir="logs", console_format="off", metrics={"port": int(os.environ["METRICS_PORT"])}, levels={"gunicorn": 60})

def app(environ, start_response):
    get_logger("app").info("m")
    start_response("200 OK", [])
    return [f"{os.getpid()} {metrics_url()}".encode()]
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks")
@pytest.mark.parametrize("more", [[], ["--preload"]], ids=["workers start logging", "the parent starts logging"])
def test_a_preforking_server_has_one_that_answers(more: list[str], tmp_path: Path) -> None:
    """Whichever process it is, and also when the workers are killed: it counts for all of them."""
    pytest.importorskip("gunicorn")
    port = free_port()
    command = ["-m", "gunicorn", "-w", "2", "--bind", "fd://FD", *more, "service:app"]
    killed = 0
    with Server(tmp_path, SERVICE, *command, METRICS_PORT=str(port)) as server:
        # One request has shown that the server is there.
        for number in range(2, 40):
            pid, url = server.get("/")[2].decode().split()
            assert not (more and url != "None"), "the parent has the port"
            if (url != "None" or more) and killed < 2:
                os.kill(int(pid), signal.SIGKILL)
                killed += 1

            def accepted(least: int = number) -> bool:
                try:
                    return series(port, 'records_accepted_total{level="INFO"}') >= least
                except OSError:  # Nobody has followed yet.
                    return False

            eventually(accepted)
        server.stop()
    assert killed == 2
    assert TAKEN not in (tmp_path / "logs" / "app.log").read_text()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks")
def test_it_answers_while_the_program_forks(run_python: Run) -> None:
    """No scrape fails, however often it does."""
    run_python("""
import os, threading, urllib.request
from unified_logger import init_logging, metrics_url
init_logging(log_dir="logs", console_format="off", metrics={"port": 0})
url = metrics_url()
failed = []
def scrape():
    for _ in range(50):
        try:
            assert b"unified_logger_processes" in urllib.request.urlopen(url, timeout=30).read()
        except Exception as error:
            failed.append(error)
thread = threading.Thread(target=scrape)
thread.start()
while thread.is_alive():
    if (pid := os.fork()) == 0:
        os._exit(0)
    os.waitpid(pid, 0)
assert not failed, failed
""")
