"""A Messages service that costs next to nothing: it counts the turns in a request's bytes and streams a call.

`python -m tests.bench.plain_server PORT_FILE TURNS FILES`: the reply to the n-th turn reads a file, the one
after TURNS ends the task. The strict server of `tests.fakes` checks whole histories, which would be measured.
"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


def stream(turn: int, name: str, arguments: dict[str, Any]) -> bytes:
    """The events of one reply: a line of text and one call."""
    usage = {"input_tokens": 10, "output_tokens": 20}
    message: dict[str, Any] = {
        "id": f"msg_{turn}",
        "type": "message",
        "role": "assistant",
        "model": "claude-opus-5",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage,
    }
    call = {"type": "tool_use", "id": f"toolu_{turn}", "name": name, "input": {}}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": f"Turn {turn}."}},
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_start", "index": 1, "content_block": call},
        {
            "type": "content_block_delta",
            "index": 1,
            "delta": {"type": "input_json_delta", "partial_json": json.dumps(arguments)},
        },
        {"type": "content_block_stop", "index": 1},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "tool_use", "stop_sequence": None},
            "usage": usage,
        },
        {"type": "message_stop"},
    ]
    return b"".join(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in events)


class Handler(BaseHTTPRequestHandler):
    """Answers every POST."""

    protocol_version = "HTTP/1.1"
    # One segment a reply, sent at once: else the client's delayed acknowledgement is measured.
    wbufsize = -1
    disable_nagle_algorithm = True
    turns = files = 0

    def do_POST(self) -> None:
        """One reply."""
        body = self.rfile.read(int(self.headers["content-length"]))
        turn = 1 + body.count(b'"role":"assistant"')
        if turn > self.turns:
            data = stream(turn, "finish", {"summary": "done"})
        else:
            data = stream(turn, "read_file", {"path": f"src/m{turn % self.files}.py"})
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


def main(port_file: str, turns: str, files: str) -> None:
    """Serve until killed."""
    Handler.turns, Handler.files = int(turns), int(files)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Path(f"{port_file}.new")
    made.write_text(str(server.server_address[1]))
    made.replace(port_file)
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
