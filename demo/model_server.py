"""A small model server on loopback: answers chats in Chinese, and fails when a prompt asks it to."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FAIL = "请失败"


class Handler(BaseHTTPRequestHandler):
    """One route: POST /v1/chat."""

    protocol_version = "HTTP/1.1"
    # Header and body go out in two writes; with Nagle's algorithm the second would wait for an acknowledgement.
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        """Answers one chat."""
        prompt = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["prompt"]
        failed = FAIL in prompt
        answer = {"error": "模型过载"} if failed else {"answer": f"您好！您问的是：{prompt}", "tokens": len(prompt)}
        body = json.dumps(answer, ensure_ascii=False).encode()
        self.send_response(503 if failed else 200)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Says nothing: the service under show does the logging."""


def main() -> None:
    """Serves until killed; says its port first."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
