"""A scripted Ollama server on 127.0.0.1, true to the wire and strict about what it is sent.

In a test: `with FakeOllama(script) as fake: … fake.url …`. What a script can say stands in `ollama_script`.
It keeps what is loaded, with the window that was asked for, and cuts a prompt that does not fit, in silence.
"""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

from tests.fakes.anthropic_server import FakeAnthropic, _Gone, _Handler
from tests.fakes.anthropic_validation import Refused as ScriptRefused
from tests.fakes.ollama_script import CREATED, lines
from tests.fakes.ollama_validation import Model, Refused, as_conversation, check, full, tokens_of

QWEN = {"qwen3": {"thinking": True}}
LAYERS = [{"digest": "sha256:" + "a" * 64, "size": 4_000}, {"digest": "sha256:" + "b" * 64, "size": 1_000}]


class FakeOllama(FakeAnthropic):
    """The server. `requests` as of FakeAnthropic; `loaded` names what is in memory and its window."""

    def __init__(self, script: dict[str, Any], port: int = 0) -> None:
        super().__init__({name: value for name, value in script.items() if name != "models"}, None, port)
        self.known = {full(name): Model(**facts) for name, facts in script.get("models", QWEN).items()}
        self.loaded: dict[str, int] = {}
        self.loads: list[tuple[str, int]] = []
        """Every time that a model was loaded, with the window."""
        self.fetched: dict[str, int] = {}
        """Bytes by digest that pulls have fetched so far."""
        self._server.RequestHandlerClass = _OllamaHandler

    @property
    def chats(self) -> list[dict[str, Any]]:
        """The bodies of the requests for turns, in order."""
        return [entry["body"] for entry in self.requests if entry["path"] == "/api/chat"]

    def choose(self, entry: dict[str, Any]) -> dict[str, Any]:
        """The scripted reply to a checked request."""
        with self.changed:
            name, reply = self._chooser.choose(as_conversation(entry["body"]))
        self.note(entry, turn=name)
        return reply


class _OllamaHandler(_Handler):
    server: Any

    def do_GET(self) -> None:
        entry = self.server.fake.begin(method="GET", path=self.path, auth=self._key())
        fake = self.server.fake
        self._wait(fake.script.get("get_delay_s", 0))
        match self.path:
            case "/api/version":
                told: Any = {"version": fake.script.get("version", "0.33.0")}
            case "/api/tags":
                told = {"models": [self._listed(name, one) for name, one in fake.known.items()]}
            case "/api/ps":
                told = {"models": [self._running(name, window) for name, window in fake.loaded.items()]}
            case _:
                self._refuse(entry, Refused("404 page not found", 404))
                return
        self._json(200, told)
        fake.note(entry, status=200, ended="sent")

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length", 0)))
        fake = self.server.fake
        if fake.closing.is_set():
            # Gone, as far as those who kept their connection can tell.
            self.close_connection = True
            return
        try:
            body = json.loads(raw)
        except ValueError:
            body = None
        headers = {name.lower(): value for name, value in self.headers.items()}
        entry = fake.begin(method="POST", path=self.path, auth=self._key(), body=body, headers=headers)
        try:
            match self.path:
                case "/api/show":
                    self._show(entry)
                case "/api/chat":
                    self._chat(entry)
                case "/api/pull":
                    self._pull(entry)
                case _:
                    raise Refused("404 page not found", 404)
        except (Refused, ScriptRefused) as error:
            self._refuse(entry, error)
        except (_Gone, ConnectionError):
            self.close_connection = True
            fake.note(entry, ended="client_closed")

    # -- answers

    def _chat(self, entry: dict[str, Any]) -> None:
        fake, body = self.server.fake, entry["body"]
        check(body, fake.known)
        reply = fake.choose(entry)
        self._wait(reply.get("delay_s", 0))
        if "status" in reply:
            self._json(reply["status"], {"error": reply.get("error", "scripted")}, reply.get("headers"))
            fake.note(entry, status=reply["status"], ended="sent")
            return
        window = self._load(full(body["model"]), body["options"]["num_ctx"])
        prompt = tokens_of(body)
        if prompt > window:
            prompt = window // 2 + 2
        size = len(json.dumps([reply.get("text", ""), reply.get("calls", "")])) // 4
        counts = {"prompt_eval_count": prompt, "eval_count": size}
        self._stream_lines(entry, lines(reply, body["model"], counts), reply)

    def _load(self, name: str, wanted: int) -> int:
        fake = self.server.fake
        model = fake.known[name]
        window = min(wanted, model.allocates or wanted, model.context or wanted)
        if fake.loaded.get(name) != window:
            self._wait(fake.script.get("cold_s", 0))
            with fake.changed:
                fake.loads.append((name, wanted))
                fake.loaded[name] = window
        return int(window)

    def _show(self, entry: dict[str, Any]) -> None:
        fake = self.server.fake
        name = str((entry["body"] or {}).get("model", ""))
        model = fake.known.get(full(name))
        if model is None:
            raise Refused(f"model '{name}' not found", 404)
        info = {"general.architecture": model.family, f"{model.family}.context_length": model.context}
        told: dict[str, Any] = {
            "modelfile": "# generated",
            "parameters": model.parameters,
            "template": "{{ .Prompt }}",
            "details": _details(model),
            "model_info": info if model.context else {"general.architecture": model.family},
            "modified_at": CREATED,
        }
        if model.tells_capabilities:
            told["capabilities"] = model.abilities()
        if not model.tells_info:
            del told["model_info"]
        if model.remote:
            told |= _place(name)
        self._json(200, told)
        fake.note(entry, status=200, ended="sent")

    def _pull(self, entry: dict[str, Any]) -> None:
        fake = self.server.fake
        name = str(entry["body"].get("model", ""))
        if entry["body"].get("insecure"):
            raise Refused("insecure must never be sent")
        script = fake.script.get("pulls", {}).get(name, {})
        made = [{"status": "pulling manifest"}]
        if "error" in script:
            made.append({"error": script["error"]})
            self._stream_lines(entry, [json.dumps(one) for one in made], {})
            return
        for layer in script.get("layers", LAYERS):
            digest, total = layer["digest"], layer["size"]
            start = fake.fetched.get(digest, 0)
            head = {"status": f"pulling {digest[7:19]}", "digest": digest, "total": total}
            steps = range(start, total + 1, max(1, total // 4))
            made += [{**head, "completed": done} for done in [*steps, total]]
        made += [{"status": "verifying sha256 digest"}, {"status": "writing manifest"}, {"status": "success"}]
        cut = script.pop("cut_after", None)
        hang = script.pop("hang_after", None)
        limit = cut if cut is not None else hang
        for one in made[:limit]:
            if "digest" in one:
                fake.fetched[one["digest"]] = one["completed"]
        if limit is None:
            fake.known[full(name)] = Model()
        how = {"cut": {"after": cut, "how": "drop"}} if cut is not None else {}
        how |= {"hang": {"after": hang}} if hang is not None else {}
        self._stream_lines(
            entry, [json.dumps(one) for one in made], {**how, "pace_s": script.get("pace_s", 0)}
        )

    # -- the wire

    def _stream_lines(self, entry: dict[str, Any], told: list[str], reply: dict[str, Any]) -> None:
        fake = self.server.fake
        self.send_response(200)
        self.send_header("content-type", "application/x-ndjson")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        fake.note(entry, status=200)
        cut, hang = reply.get("cut"), reply.get("hang")
        stop = cut["after"] if cut else hang["after"] if hang else len(told)
        for line in told[:stop]:
            self._chunk(line.encode() + b"\n")
            self._wait(reply.get("pace_s", 0))
        while hang and not fake.closing.is_set():
            self._wait(0.02)
        how = cut.get("how", "eof") if cut else "eof"
        if how == "eof":
            self.wfile.write(b"0\r\n\r\n")
        else:
            if how == "reset":
                now = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now)
            self.close_connection = True
        fake.note(entry, ended="sent")

    def _refuse(self, entry: dict[str, Any], error: Any) -> None:
        self.server.fake.note(entry, status=error.status, problem=str(error), ended="sent")
        self._json(error.status, {"error": str(error)})

    def _listed(self, name: str, model: Model) -> dict[str, Any]:
        told = {
            "name": name,
            "model": name,
            "modified_at": CREATED,
            "size": model.size,
            "digest": "0" * 64,
            "details": _details(model),
        }
        return told | (_place(name) if model.remote else {})

    def _running(self, name: str, window: int) -> dict[str, Any]:
        model = self.server.fake.known[name]
        told = {
            "name": name,
            "model": name,
            "size": model.size,
            "size_vram": model.size if model.vram is None else model.vram,
            "digest": "0" * 64,
            "expires_at": CREATED,
            "details": _details(model),
        }
        return {**told, "context_length": window} if model.tells_context else told


def _place(name: str) -> dict[str, Any]:
    return {"remote_model": name, "remote_host": "https://ollama.com:443"}


def _details(model: Model) -> dict[str, Any]:
    return {
        "format": "gguf",
        "family": model.family,
        "parameter_size": "8.2B",
        "quantization_level": "Q4_K_M",
    }
