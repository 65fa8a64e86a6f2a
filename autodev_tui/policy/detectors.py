"""Detectors: where a text holds what looks like a secret. Sync, linear in the text, about 20 MB/s."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

MIN_ENTROPY_BITS = 3.0
"""Per character; words of a language are below, random keys above (16 hex digits: about 3.3)."""

_PATTERNS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    (
        "private-key",
        ("-----BEGIN ",),
        r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY[A-Z ]{0,8}-----(?P<s>.{16,}?)(?:-----END|\Z)",
    ),
    (
        "aws-key",
        ("AKIA", "ASIA", "ABIA", "ACCA"),
        r"(?<![A-Za-z0-9])(?P<s>(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16})(?![A-Za-z0-9])",
    ),
    (
        "github-token",
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        r"(?P<s>gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{36,255})",
    ),
    ("anthropic-key", ("sk-ant-",), r"(?P<s>sk-ant-[A-Za-z0-9_-]{16,})"),
    ("openai-key", ("sk-",), r"(?<![A-Za-z0-9])(?P<s>sk-(?!ant-)(?:proj-|svcacct-)?[A-Za-z0-9_-]{20,})"),
    ("slack-token", ("xox",), r"(?P<s>xox[abeoprs]-[A-Za-z0-9-]{10,})"),
    ("slack-hook", ("hooks.slack",), r"https://hooks\.slack\.com/services/(?P<s>[A-Za-z0-9/]{20,})"),
    ("google-key", ("AIza",), r"(?P<s>AIza[A-Za-z0-9_-]{35})"),
    ("stripe-key", ("k_live_",), r"(?P<s>[rs]k_live_[A-Za-z0-9]{16,})"),
    (
        "package-token",
        ("npm_", "pypi-", "glpat-"),
        r"(?P<s>npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{50,}|glpat-[A-Za-z0-9_-]{20,})",
    ),
    (
        "jwt",
        ("eyJ",),
        r"(?<![\w-])(?P<s>eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,})",
    ),
    ("url-password", ("://",), r"://[^\s/:@'\"]{1,64}:(?P<s>[^\s/@'\"<>{}$]{6,128})@"),
)
"""Kind, texts one of which must occur (cheap to look for), and the pattern whose group `s` is the secret."""
_COMPILED = [(kind, markers, re.compile(pattern, re.DOTALL)) for kind, markers, pattern in _PATTERNS]

# Names of secrets are looked for in lower case: ignoring case in the pattern would make it ten times slower.
_NAMES = re.compile(r"key|secret|token|passw|passphrase|credential|bearer")
_KEY_OF = re.compile(
    r"(?:api|access|auth|client|private|secret|session|signing|encryption|account)[_-]?\Z", re.IGNORECASE
)
_ASSIGNED = re.compile(
    r"[\w-]{0,60}[\"']?\s{0,8}(?::\s{0,8}\w{1,40}\s{0,8}(?==))?(?:=>|:=|[:=])\s{0,8}[\"']?"
    r"(?P<s>[A-Za-z0-9+/=_.~!@#%^&*-]{12,256})"
)
_BEARER = re.compile(r"\s{1,8}(?P<s>[A-Za-z0-9._~+/=-]{16,256})")
_ENV_LINE = re.compile(
    r"(?m)^[ \t]*(?:export[ \t]+)?[A-Za-z_]\w*[ \t]*=[ \t]*(?P<q>[\"']?)"
    r"(?P<s>[^\s\"'#$][^\"'\n]{7,2000}?)(?P=q)[ \t]*$"
)
_ENV_FILE = re.compile(r"(?:^|/)\.env(?:\.(?!example|sample|template|dist)[\w.-]+)?$")
_HARMLESS = re.compile(
    r"example|sample|dummy|placeholder|changeme|your[_-]|xxxx|\*\*\*|^test|^fake|^none$|^true$|^false$"
    r"|^https?://[^@]*$|[(){}\[\]<>]|^[a-z_]+(?:\.[a-z_]+)+$"
)
_IDENTIFIER = re.compile(r"/?[A-Za-z]+\d{0,3}(?:[_./][A-Za-z]*\d{0,3}){1,8}[A-Za-z]*")


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
    hits: list[Found] = []
    for kind, markers, pattern in _COMPILED:
        if any(marker in text for marker in markers):
            for match in pattern.finditer(text):
                hits += _lines(kind, text, *match.span("s"))
    hits += _named(text)
    if _ENV_FILE.search(path):
        for match in _ENV_LINE.finditer(text):
            if not _HARMLESS.search(match["s"].lower()):
                hits.append(Found("env", *match.span("s")))
    return without_overlaps(hits)


def _named(text: str) -> Iterator[Found]:
    """Random-looking values that are given to something with a secret's name."""
    lower = text.lower()
    if len(lower) != len(
        text
    ):  # a few letters are longer in lower case, and would move every place after them
        lower = text
    for name in _NAMES.finditer(lower):
        if name[0] == "key" and not _KEY_OF.search(text, max(name.start() - 12, 0), name.start()):
            continue
        value = (_BEARER if name[0] == "bearer" else _ASSIGNED).match(text, name.end())
        if value and _random(value["s"]):
            yield Found("value", *value.span("s"))


def _lines(kind: str, text: str, start: int, end: int) -> list[Found]:
    hits = []
    for match in re.finditer(r"\S[^\r\n]*", text[start:end]):
        hits.append(Found(kind, start + match.start(), start + match.end()))
    return hits


def without_overlaps(hits: list[Found]) -> list[Found]:
    """The hits in order; of those that overlap, the one that begins first, then the longest."""
    kept: list[Found] = []
    for hit in sorted(hits, key=lambda hit: (hit.start, -hit.end)):
        if not kept or hit.start >= kept[-1].end:
            kept.append(hit)
    return kept


def _random(value: str) -> bool:
    if not (any(map(str.isdigit, value)) and any(map(str.isalpha, value))):
        return False
    if _HARMLESS.search(value.lower()) or _IDENTIFIER.fullmatch(value):
        return False
    counts = Counter(value)
    entropy = -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values())
    return entropy >= MIN_ENTROPY_BITS
