"""Secrets: found, masked on the way to a model, put back only where they were, kept from child processes.

A placeholder is made of the kind and a keyed hash of the secret, so that it is the same all session long
without any table of secrets being kept anywhere.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

MIN_ENTROPY_BITS = 3.0
"""Per character; words of a language are below, random keys above (16 hex digits: about 3.3)."""
MIN_VALUE = 8
"""Shorter values of secret-named variables are not masked: `1` or `true` would blank half of every output."""

_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern, re.DOTALL if name == "private-key" else 0))
    for name, pattern in (
        ("private-key", r"-----BEGIN (?:[A-Z ]+ )?PRIVATE KEY(?: BLOCK)?-----(?P<s>.{16,}?)(?:-----END|\Z)"),
        ("aws-key", r"(?<![A-Za-z0-9])(?P<s>(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16})(?![A-Za-z0-9])"),
        ("github-token", r"(?P<s>gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{36,255})"),
        ("anthropic-key", r"(?P<s>sk-ant-[A-Za-z0-9_-]{16,})"),
        ("openai-key", r"(?<![A-Za-z0-9])(?P<s>sk-(?!ant-)(?:proj-|svcacct-)?[A-Za-z0-9_-]{20,})"),
        ("slack-token", r"(?P<s>xox[abeoprs]-[A-Za-z0-9-]{10,}|https://hooks\.slack\.com/services/[A-Za-z0-9/]{20,})"),
        ("google-key", r"(?P<s>AIza[A-Za-z0-9_-]{35})"),
        ("stripe-key", r"(?P<s>[rs]k_live_[A-Za-z0-9]{16,})"),
        ("package-token", r"(?P<s>npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{50,}|glpat-[A-Za-z0-9_-]{20,})"),
        ("jwt", r"(?<![A-Za-z0-9_-])(?P<s>eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,})"),
        ("url-password", r"(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{1,20}://[^\s/:@'\"]{1,64}:(?P<s>[^\s/@'\"<>{}$]{6,128})@"),
    )
)  # fmt: skip
_NAME = (
    r"(?:api|access|auth|client|private|secret|session|signing|encryption|account)[_-]?key"
    r"|secret|token|passw(?:or)?d|passphrase|credential"
)
_ASSIGNED = re.compile(
    rf"(?i)(?:{_NAME})[\w-]{{0,60}}[\"']?\s{{0,8}}(?::\s{{0,8}}\w{{1,40}}\s{{0,8}}(?==))?(?:=>|:=|[:=])\s{{0,8}}[\"']?(?P<s>[A-Za-z0-9+/=_.~!@#%^&*-]{{12,256}})"
)
_BEARER = re.compile(r"(?i)\bbearer\s+(?P<s>[A-Za-z0-9._~+/=-]{16,})")
_ENV_LINE = re.compile(
    r"(?m)^[ \t]*(?:export[ \t]+)?[A-Za-z_]\w*[ \t]*=[ \t]*(?P<q>[\"']?)(?P<s>[^\s\"'#$][^\"'\n]{7,}?)(?P=q)[ \t]*$"
)
_ENV_FILE = re.compile(r"(?:^|/)\.env(?:\.(?!example|sample|template|dist)[\w.-]+)?$")
_HARMLESS = re.compile(
    r"(?i)example|sample|dummy|placeholder|changeme|your[_-]|xxxx|\*\*\*|^test|^fake|^none$|^true$|^false$|^https?://[^@]*$"
    r"|[(){}\[\]<>]|^[a-z_]+(?:\.[a-z_]+)+$"
)
_MASK = re.compile(r"\[\[SECRET:[a-z-]+:[0-9a-f]{12}\]\]")
_PREFILTER = re.compile(
    r"(?i)BEGIN |AKIA|ASIA|ABIA|ACCA|gh[pousr]_|github_pat|sk-|xox|hooks\.slack|AIza|k_live|npm_|pypi-|glpat|eyJ|://"
    r"|key|secret|token|passw|passphrase|credential|bearer"
)
_SECRET_NAME = re.compile(
    r"(?i)(?:^|_)(?:\w*KEYS?|TOKENS?|SECRETS?|PASS|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|AUTH|PAT|COOKIE|DSN|MYSQL_PWD)(?:_|$)"
    r"|PASSWORD|PASSWD|SECRET|TOKEN|APIKEY|CREDENTIAL|^MYSQL_PWD$"
)
_PLAIN_WORD = re.compile(r"[a-z]{1,12}|[a-z]+://[^@]*|/[\w./-]*")
_OWN_NAME = re.compile(r"^(?:ANTHROPIC_|AUTODEV_|OLLAMA_API_KEY$)")


class SecretMoved(Exception):
    """A placeholder stands where its secret did not; the message names it."""


@dataclass(frozen=True)
class Found:
    """A secret at `text[start:end]`, all on one line."""

    kind: str
    start: int
    end: int


def find(text: str, path: str = "") -> list[Found]:
    """Every secret in `text`, in order, without overlaps. In a `.env` file (by `path`) every value counts.

    A secret of several lines comes as one hit a line, so that masking keeps line numbers.
    """
    env_file = bool(_ENV_FILE.search(path))
    if not env_file and not _PREFILTER.search(text):
        return []
    hits: list[Found] = []
    for kind, pattern in _PATTERNS:
        for match in pattern.finditer(text):
            hits += _lines(kind, text, *match.span("s"))
    for pattern in (_ASSIGNED, _BEARER):
        for match in pattern.finditer(text):
            if _random(match["s"]):
                hits.append(Found("value", *match.span("s")))
    if env_file:
        for match in _ENV_LINE.finditer(text):
            if not _HARMLESS.search(match["s"]):
                hits.append(Found("env", *match.span("s")))
    return _without_overlaps(hits)


def _lines(kind: str, text: str, start: int, end: int) -> list[Found]:
    hits = []
    for match in re.finditer(r"\S[^\r\n]*", text[start:end]):
        hits.append(Found(kind, start + match.start(), start + match.end()))
    return hits


def _without_overlaps(hits: list[Found]) -> list[Found]:
    kept: list[Found] = []
    for hit in sorted(hits, key=lambda hit: (hit.start, -hit.end)):
        if not kept or hit.start >= kept[-1].end:
            kept.append(hit)
    return kept


def _random(value: str) -> bool:
    if _HARMLESS.search(value) or not (any(map(str.isdigit, value)) and any(map(str.isalpha, value))):
        return False
    counts = Counter(value)
    entropy = -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values())
    return entropy >= MIN_ENTROPY_BITS


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
            hits = _without_overlaps(hits)
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
    """Values of secret-named variables, to be masked wherever they turn up; plain words are no secrets."""
    return [
        value
        for name, value in env.items()
        if _SECRET_NAME.search(name) and len(value) >= MIN_VALUE and not _PLAIN_WORD.fullmatch(value)
    ]
