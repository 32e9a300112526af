"""The load: real HTTP requests over persistent connections. What must be in the logs is counted here, from what was sent."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from dataclasses import dataclass, field

from model_server import FAIL

CONNECTIONS = 8
# How often each kind is sent; a tenth of each goes without a header.
KINDS = {"order": 800, "chat": 1_000, "failure": 400}
QUESTIONS = ["今天天气怎么样？", "请推荐一本书", "如何学习 Rust？", "订单什么时候到？", "用一句话介绍长城"]


@dataclass
class Sent:
    """One request, and what came back."""

    number: int
    kind: str
    # The id given in the header, or None.
    header: str | None
    status: int = 0
    # The id the service says the request had; a failure has no body to say it in.
    answered: str | None = None
    marker: str = field(init=False)

    def __post_init__(self) -> None:
        self.marker = f"marker-{self.number:05d}"


def requests_to_send() -> list[Sent]:
    """All requests in random order, the same in every run."""
    kinds = [kind for kind, count in KINDS.items() for _ in range(count)]
    chance = random.Random(20260219)
    chance.shuffle(kinds)
    seen = dict.fromkeys(KINDS, 0)
    sent = []
    for number, kind in enumerate(kinds):
        seen[kind] += 1
        header = None if seen[kind] % 10 == 0 else f"trace-{number:05d}-{chance.getrandbits(64):016x}"
        sent.append(Sent(number, kind, header))
    return sent


def send_all(port: int) -> tuple[list[Sent], float]:
    """Sends all requests over the connections.

    Args:
        port: The service's.

    Returns:
        The requests with their answers, and the seconds it took.
    """
    todo = requests_to_send()
    shares = [todo[first::CONNECTIONS] for first in range(CONNECTIONS)]
    failures: list[BaseException] = []

    def run(share: list[Sent]) -> None:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            for sent in share:
                _send(connection, sent)
            connection.close()
        except BaseException as error:  # told by the thread that waits
            failures.append(error)

    threads = [threading.Thread(target=run, args=(share,)) for share in shares]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return todo, time.perf_counter() - started


def _send(connection: http.client.HTTPConnection, sent: Sent) -> None:
    question = QUESTIONS[sent.number % len(QUESTIONS)]
    body = {
        "kind": "order" if sent.kind == "order" else "chat",
        "number": sent.number,
        "marker": sent.marker,
        "prompt": f"{question}（{sent.number}）{FAIL if sent.kind == 'failure' else ''}",
    }
    headers = {"Content-Type": "application/json"}
    if sent.header is not None:
        headers["X-Trace-ID"] = sent.header
    connection.request("POST", "/api/ai/chat", json.dumps(body).encode(), headers)
    response = connection.getresponse()
    answer = json.loads(response.read())
    sent.status = response.status
    sent.answered = answer.get("trace_id")


def post(port: int, path: str, body: object) -> dict[str, object]:
    """One request of the demo itself."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(
        "POST" if body is not None else "GET", path, json.dumps(body), {"Content-Type": "application/json"}
    )
    answer: dict[str, object] = json.loads(connection.getresponse().read())
    connection.close()
    return answer
