"""A scripted Anthropic Messages API on 127.0.0.1, true to the wire and strict about histories.

In a test: `with FakeAnthropic(script) as fake: … fake.url …`. As a process of its own:
`python -m tests.fakes.anthropic_server --script FILE.json --port-file F [--log FILE.jsonl]`; the port file
appears, complete, when the server answers. What a script can say stands in `anthropic_script`.
"""

from __future__ import annotations

import argparse
import json
import select
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.fakes.anthropic_cache import PromptCache
from tests.fakes.anthropic_script import Chooser, events
from tests.fakes.anthropic_validation import MODELS, Model, Refused, check, need

PING = b'event: ping\ndata: {"type": "ping"}\n\n'
TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}


class FakeAnthropic:
    """The server. `requests` holds one dictionary per request, `ended` in it once the answer is over."""

    def __init__(self, script: dict[str, Any], log: Path | None = None, port: int = 0) -> None:
        self.script = script
        self.requests: list[dict[str, Any]] = []
        self.changed = threading.Condition()
        self.closing = threading.Event()
        self.models = {**MODELS, **{name: Model(**facts) for name, facts in script.get("models", {}).items()}}
        self._chooser = Chooser(script)
        self._cache = PromptCache()
        self._log = log
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.fake = self
        self.port: int = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> FakeAnthropic:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait_for(self, holds: Callable[[], bool], timeout_s: float = 10.0) -> None:
        """Until `holds` does, looked at after every change; AssertionError when it never does."""
        with self.changed:
            assert self.changed.wait_for(holds, timeout_s), f"never happened; requests: {self.requests}"

    def begin(self, **facts: Any) -> dict[str, Any]:
        """A new entry of `requests`."""
        with self.changed:
            entry = {"n": len(self.requests), "at": time.time(), **facts}
            self.requests.append(entry)
            self._write(entry)
            self.changed.notify_all()
        return entry

    def note(self, entry: dict[str, Any], **facts: Any) -> None:
        """More about an entry."""
        with self.changed:
            entry.update(facts)
            self._write({"n": entry["n"], **facts})
            self.changed.notify_all()

    def reply_to(self, entry: dict[str, Any]) -> tuple[dict[str, Any], dict[str, int]]:
        """The scripted reply to a checked request, and its usage."""
        check(entry["body"], self.models, self._chooser.paused)
        with self.changed:
            name, reply = self._chooser.choose(entry["body"])
            size = len(json.dumps(reply.get("text", "")) + json.dumps(reply.get("calls", ""))) // 4
            usage = {} if "status" in reply else self._cache.usage(entry["body"], size)
        self.note(entry, turn=name)
        return reply, usage

    def _write(self, line: dict[str, Any]) -> None:
        if self._log is not None:
            with self._log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    fake: FakeAnthropic

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is part of the tests."""


class _Gone(Exception):
    """The client closed the connection."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        entry = self.server.fake.begin(method="GET", path=self.path, auth=self._key())
        try:
            self._check_key()
            _, _, name = self.path.partition("/v1/models/")
            model = self.server.fake.models.get(name)
            if model is None:
                raise Refused(f"model: {name}", 404, "not_found_error")
            self._json(200, _described(name, model))
            self.server.fake.note(entry, status=200, ended="sent")
        except Refused as error:
            self._refuse(entry, error)

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length", 0)))
        try:
            body = json.loads(raw)
        except ValueError:
            body = None
        facts = {
            "method": "POST",
            "peer": self.client_address[1],
            "path": self.path.split("?")[0],
            "auth": self._key(),
            "body": body,
        }
        entry = self.server.fake.begin(**facts, headers={k.lower(): v for k, v in self.headers.items()})
        try:
            self._check_key()
            need(self.headers.get("anthropic-version"), "anthropic-version: header is required")
            need(len(raw) <= 32 * 2**20, "request too large")
            if entry["path"] == "/v1/messages/count_tokens":
                self._json(200, {"input_tokens": len(raw) // 4})
                self.server.fake.note(entry, status=200, ended="sent")
            elif entry["path"] == "/v1/messages":
                self._messages(entry)
            else:
                raise Refused("Not Found", 404, "not_found_error")
        except Refused as error:
            self._refuse(entry, error)
        except (_Gone, ConnectionError):
            self.close_connection = True
            self.server.fake.note(entry, ended="client_closed", ended_at=time.time())

    def _messages(self, entry: dict[str, Any]) -> None:
        reply, usage = self.server.fake.reply_to(entry)
        self._wait(reply.get("delay_s", 0))
        self.server.fake.note(entry, status=reply.get("status", 200))
        if "status" in reply:
            self._status(entry, reply)
            return
        need(entry["body"].get("stream") is True, "the script only streams")
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.send_header("transfer-encoding", "chunked")
        self.send_header("request-id", f"req_{entry['n']:06d}")
        self.end_headers()
        how = self._stream(reply, entry["body"], usage)
        if how == "eof":
            self.wfile.write(b"0\r\n\r\n")
        else:
            if how == "reset":
                now = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now)
            self.close_connection = True
        self.server.fake.note(entry, ended="sent")

    def _stream(self, reply: dict[str, Any], body: dict[str, Any], usage: dict[str, int]) -> str:
        """Send the events as far as the reply's fault allows; how to end the connection then."""
        frames = [_frame(name, data) for name, data in events(reply, body, usage)]
        for more in sorted(reply.get("insert", []), key=lambda item: -item["after"]):
            frames.insert(more["after"], _frame(more["event"], more["data"]))
        cut, how = reply.get("cut"), "eof"
        if cut:
            how = cut.get("how", "eof")
            whole = b"".join(frames)
            frames = frames[: cut["events"]] if "events" in cut else [whole[: cut["bytes"]]]
        if error := reply.get("error"):
            told = {"type": error["type"], "message": error.get("message", "scripted")}
            frames = [*frames[: error["after"]], _frame("error", {"type": "error", "error": told})]
        hang = reply.get("hang")
        for frame in frames[: hang["after"]] if hang else frames:
            if frame:
                self._chunk(frame)
            self._wait(reply.get("pace_s", 0))
        while hang and not self.server.fake.closing.is_set():
            if hang.get("pings"):
                self._chunk(PING)
            self._wait(0.02)
        return how

    def _status(self, entry: dict[str, Any], reply: dict[str, Any]) -> None:
        status = reply["status"]
        headers = {"request-id": f"req_{entry['n']:06d}", **reply.get("headers", {})}
        if "body" in reply:
            self._send(status, reply["body"].encode(), {"content-type": "text/html", **headers})
        else:
            kind = reply.get("type") or TYPES.get(status, "api_error")
            error = {"type": kind, "message": reply.get("message", "scripted")}
            self._json(status, {"type": "error", "error": error}, headers)
        self.server.fake.note(entry, ended="sent")

    def _refuse(self, entry: dict[str, Any], error: Refused) -> None:
        self.server.fake.note(entry, status=error.status, problem=str(error), ended="sent")
        told = {"type": "error", "error": {"type": error.kind, "message": str(error)}}
        self._json(error.status, told, {"request-id": f"req_{entry['n']:06d}"})

    def _key(self) -> str:
        bearer = self.headers.get("authorization", "").removeprefix("Bearer ")
        return bearer or self.headers.get("x-api-key", "")

    def _check_key(self) -> None:
        expected = self.server.fake.script.get("key")
        if not self._key() or (expected and self._key() != expected):
            raise Refused("invalid x-api-key", 401, "authentication_error")

    def _json(self, status: int, value: Any, headers: dict[str, str] | None = None) -> None:
        self._send(
            status, json.dumps(value).encode(), {"content-type": "application/json", **(headers or {})}
        )

    def _send(self, status: int, data: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def _wait(self, seconds: float) -> None:
        """Sleep, but notice at once when the client goes away."""
        if seconds:
            readable, _, _ = select.select([self.connection], [], [], seconds)
            if readable and not self.connection.recv(1, socket.MSG_PEEK):
                raise _Gone

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are logged as JSON lines instead."""


def _frame(event: str, data: Any) -> bytes:
    text = data if isinstance(data, str) else json.dumps(data)
    return f"event: {event}\ndata: {text}\n\n".encode()


def _described(name: str, model: Model) -> dict[str, Any]:
    yes, no = {"supported": True}, {"supported": False}
    return {
        "type": "model",
        "id": name,
        "display_name": name,
        "created_at": "2026-01-01T00:00:00Z",
        "max_input_tokens": model.context,
        "max_tokens": model.max_output,
        "lifecycle": "active",
        "capabilities": {
            "thinking": {"supported": True, "types": {"adaptive": yes if model.adaptive else no}},
            "effort": {"supported": model.effort},
        },
    }


def main() -> None:
    """Serve a script until a signal ends it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--script", type=Path, required=True)
    parser.add_argument("--port-file", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", type=Path)
    options = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with FakeAnthropic(json.loads(options.script.read_text()), options.log, options.port) as fake:
        part = options.port_file.with_name(options.port_file.name + ".part")
        part.write_text(f"{fake.port}\n")
        part.replace(options.port_file)
        stop.wait()


if __name__ == "__main__":
    main()
