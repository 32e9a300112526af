"""What an editor shows: a client of a language server, over its standard input and output."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from threading import Timer
from typing import Any

# How long an answer may take, seconds: the machine may be busy.
_PATIENCE = 120.0


class Editor:
    """An editor with one file, `program.py`. In the texts that it is given, `|` marks the cursor.

    Args:
        folder: The folder that is open in it.
    """

    def __init__(self, folder: Path) -> None:
        self._file = {"uri": (folder / "program.py").as_uri()}
        self._version = self._last = 0
        command = [sys.executable, "-c", "from basedpyright.langserver import main; main()", "--stdio"]
        # The server runs in a process below this one; both end together.
        self._server = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        root = {"uri": folder.as_uri(), "name": "project"}
        able = {"textDocument": {"hover": {"contentFormat": ["markdown"]}}, "workspace": {"configuration": True}}
        about = {"processId": None, "rootUri": root["uri"], "workspaceFolders": [root], "capabilities": able}
        self._ask("initialize", about)
        self._tell("initialized", {})
        document = {**self._file, "languageId": "python", "version": 0, "text": ""}
        self._tell("textDocument/didOpen", {"textDocument": document})

    def hover(self, text: str) -> str:
        """What it shows for the name at the cursor, as Markdown."""
        found = self._ask("textDocument/hover", self._show(text))
        return str(found["contents"]["value"]) if found else ""

    def completions(self, text: str) -> set[str]:
        """The words that it offers at the cursor."""
        found = self._ask("textDocument/completion", self._show(text))
        items = found["items"] if isinstance(found, dict) else found or []
        return {item["label"] for item in items}

    def close(self) -> None:
        """Ends the server."""
        os.killpg(self._server.pid, signal.SIGKILL)
        self._server.communicate()

    def _show(self, text: str) -> dict[str, Any]:
        """Gives the file this content. Returns the position of the cursor, for a question."""
        before, _, after = text.partition("|")
        self._version += 1
        document = {**self._file, "version": self._version}
        changes = [{"text": before + after}]
        self._tell("textDocument/didChange", {"textDocument": document, "contentChanges": changes})
        cursor = {"line": before.count("\n"), "character": len(before.rpartition("\n")[2])}
        return {"textDocument": self._file, "position": cursor}

    def _ask(self, method: str, params: object) -> Any:
        """The answer of the server. A server that does not answer is ended, which ends the wait."""
        patience = Timer(_PATIENCE, os.killpg, (self._server.pid, signal.SIGKILL))
        patience.start()
        try:
            self._last += 1
            self._send({"id": self._last, "method": method, "params": params})
            while True:
                message = self._receive()
                if "method" not in message and message["id"] == self._last:
                    return message["result"]
                if "method" in message and "id" in message:
                    self._send({"id": message["id"], "result": self._answer(message)})
        finally:
            patience.cancel()

    def _answer(self, message: dict[str, Any]) -> object:
        """The answer to a question of the server: the settings, or nothing."""
        if message["method"] != "workspace/configuration":
            return None
        python = {"pythonPath": sys.executable}
        return [python if item.get("section") == "python" else None for item in message["params"]["items"]]

    def _tell(self, method: str, params: object) -> None:
        self._send({"method": method, "params": params})

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._server.stdin is not None
        self._server.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._server.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        assert self._server.stdout is not None
        length = 0
        while (line := self._server.stdout.readline().strip()) or not length:
            if line.lower().startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
            assert line, "the language server has ended"
        found: dict[str, Any] = json.loads(self._server.stdout.read(length))
        return found
