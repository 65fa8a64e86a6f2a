"""Secrets: masked on the way to a model, put back only where they were, kept from child processes.

A placeholder is made of the kind and a keyed hash of the secret, so that it is the same all session long
without any table of secrets being kept anywhere.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping

from autodev_tui.credentials import stored_keys
from autodev_tui.policy.detectors import Found, find, without_overlaps
from autodev_tui.settings_files import SettingsError

__all__ = ["Masker", "SecretMoved", "find", "scrub_env", "secret_name", "secret_values"]

MIN_VALUE = 8
"""Shorter values of secret-named variables are not masked: `1` or `true` would blank half of every output."""

_MASK = re.compile(r"\[\[SECRET:[a-z-]+:[0-9a-f]{12}\]\]")
_SECRET_NAME = re.compile(
    r"(?i)(?:^|_)(?:\w*KEYS?|TOKENS?|SECRETS?|PASS|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|AUTH|PAT|COOKIE|DSN|MYSQL_PWD)(?:_|$)"
    r"|PASSWORD|PASSWD|SECRET|TOKEN|APIKEY|CREDENTIAL|^MYSQL_PWD$"
)
_PLAIN_WORD = re.compile(r"[a-z]{1,12}|[a-z]+://[^@]*|/[\w./-]*")
_OWN_NAME = re.compile(r"^(?:ANTHROPIC_|AUTODEV_|OLLAMA_API_KEY$)")


class SecretMoved(Exception):
    """A placeholder stands where its secret did not; the message names it."""


class Masker:
    """Masks and rehydrates for one session.

    `salt` is the session's own random bytes; `values` are secrets known by name (those of `secret_values`),
    masked wherever they occur.
    """

    def __init__(self, salt: bytes, values: Iterable[str] = ()) -> None:
        self._salt = salt
        long_first = sorted({value for value in values if len(value) >= MIN_VALUE}, key=len, reverse=True)
        self._values = re.compile("|".join(map(re.escape, long_first))) if long_first else None

    def mask(self, text: str, path: str = "") -> tuple[str, dict[str, str]]:
        """(`text` with placeholders, placeholder → secret). Line numbers stay as they are."""
        hits = find(text, path)
        if self._values:
            hits += [Found("variable", *match.span()) for match in self._values.finditer(text)]
            hits = without_overlaps(hits)
        if not hits:
            return text, {}
        mapping: dict[str, str] = {}
        pieces: list[str] = []
        end = 0
        for hit in hits:
            secret = text[hit.start : hit.end]
            placeholder = self._placeholder(hit.kind, secret)
            mapping[placeholder] = secret
            pieces += [text[end : hit.start], placeholder]
            end = hit.end
        return "".join([*pieces, text[end:]]), mapping

    def text(self, text: str) -> str:
        """`text` with placeholders, which stay as they are when it is masked once more."""
        return self.mask(text)[0]

    def known(self, text: str) -> str:
        """`text` without the secrets that are known by name; what only looks like one stays."""
        if self._values is None:
            return text
        return self._values.sub(lambda match: self._placeholder("variable", match[0]), text)

    def rehydrate(self, text: str, original: str, path: str = "") -> str:
        """`text` with the secrets of `original`, the same file as it is now, put back where they stood.

        The place of a secret is what stands before it on its line.

        Raises:
            SecretMoved: if a placeholder stands elsewhere, or is of no secret of this file.
        """
        if "[[SECRET:" not in text:
            return text
        masked, mapping = self.mask(original, path)
        places = {_place(masked, match) for match in _MASK.finditer(masked)}

        def put_back(match: re.Match[str]) -> str:
            if match[0] not in mapping or _place(text, match) not in places:
                raise SecretMoved(
                    f"{match[0]} stands for a secret that is hidden from you; it may only stay where it was,"
                    " in the same file after the same words of its line"
                )
            return mapping[match[0]]

        return _MASK.sub(put_back, text)

    def _placeholder(self, kind: str, secret: str) -> str:
        digest = hmac.new(self._salt, secret.encode(errors="surrogateescape"), hashlib.sha256).hexdigest()
        return f"[[SECRET:{kind}:{digest[:12]}]]"


def _place(text: str, match: re.Match[str]) -> tuple[str, str]:
    line_start = text.rfind("\n", 0, match.start()) + 1
    return match[0], text[line_start : match.start()].strip()


def secret_name(name: str) -> bool:
    """Whether an environment variable's name says that its value is a secret."""
    return bool(_SECRET_NAME.search(name) or _OWN_NAME.search(name))


def scrub_env(env: Mapping[str, str]) -> dict[str, str]:
    """`env` for a child: without secret-named variables, passwords in URLs, and whatever is ours."""
    return {
        name: value
        for name, value in env.items()
        if not secret_name(name) and not any(hit.kind != "value" for hit in find(value))
    }


def secret_values(env: Mapping[str, str]) -> list[str]:
    """Values of secret-named variables and the user's stored keys, to be masked wherever they turn up.

    Plain words are no secrets. Sync: reads the file of keys.
    """
    named = [value for name, value in env.items() if _SECRET_NAME.search(name)]
    with contextlib.suppress(SettingsError):
        named += stored_keys(env).values()
    return [value for value in named if len(value) >= MIN_VALUE and not _PLAIN_WORD.fullmatch(value)]
