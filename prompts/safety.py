"""The fence around text of others, what in it looks like an attack, and what no prompt may contain.

None of this grants or takes a permission: what an agent may do is decided by the policy alone, which never
reads a prompt. The fence helps the model, the suspicions help the human.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate

from autodev_tui.domain.text import visible

FENCE = "untrusted-text"
_KEPT = "\n\t\u00a0\u00ad\u200c\u200d\u3000\ufe0e\ufe0f"
"""Hidden characters with an honest use in prose: spaces, soft hyphens, joiners, emoji selectors."""
_LIKE_FENCE = re.compile(r"<(?=[\s\W]{0,8}untrusted[\W_]{0,4}text)", re.IGNORECASE)
"""The start of anything a model could take for a fence, closing or opening, however it is spaced."""
_BLOCK = re.compile(rf'<{FENCE} source="([^"\n]*)">\n(.*?)\n</{FENCE}>', re.DOTALL)
_FAKE_FENCE = re.compile(r"‹(?=[\s\W]{0,8}untrusted[\W_]{0,4}text)", re.IGNORECASE)
_EARLIER = (
    r"(?:all |any |every |the |your |of |these |those |my )*"
    r"(?:previous|prior|above|earlier|preceding|former|system|safety|original)"
)
_PATTERNS: tuple[tuple[str, str], ...] = (
    (
        "override",
        rf"\b(?:ignore|disregard|forget|override|bypass|do not follow|don't follow)\s+{_EARLIER}\b"
        r"[^.\n]{0,40}\b(?:instruction|prompt|rule|message|direction|guideline|context|constraint)s?",
    ),
    ("override", r"\bnew (?:system )?(?:instructions|system prompt)\s*:"),
    ("approval", r"\b(?:approve|accept|allow|grant|permit)\s+(?:everything|anything|all\b|any\b|every\b)"),
    (
        "approval",
        r"\b(?:without|skip|no need for|do not ask for|never ask for)\s+(?:any |human |the )*"
        r"(?:approval|permission|confirmation|review)\b",
    ),
    (
        "approval",
        r"\b(?:raise|increase|set|change|switch)\s+(?:the |your )?(?:autonomy|permission|privilege)s?\b",
    ),
    ("role", r"\byou are (?:now|no longer)\b|\bact as (?:root|admin|administrator|the system)\b"),
    (
        "role",
        r"(?-i:^(?:Human|Assistant|System|USER|ASSISTANT|SYSTEM):\s+\S)|<\s*/?\s*(?:system|assistant|human)\s*>|\[/?INST\]|<\|im_(?:start|end)\|>",
    ),
    (
        "secrecy",
        r"\b(?:do not|don't|never)\s+(?:tell|mention|reveal|inform|show)\b"
        r"[^.\n]{0,30}\b(?:user|human|reviewer|developer)\b",
    ),
    (
        "exfiltration",
        r"\b(?:send|post|upload|exfiltrate|leak|print)\s(?:all |any |every |each |the |your |its )+"
        r"(?:api[ _-]?keys|secrets|tokens|passwords|credentials|environment variables?)\b",
    ),
)
_COMPILED = tuple((kind, re.compile(pattern, re.IGNORECASE | re.MULTILINE)) for kind, pattern in _PATTERNS)
_HIDDEN_MARK = re.compile(r"‹(?:U\+(?:20[0-6][0-9A-F]|FEFF|E0[0-9A-F]{3})|1B|00)›")
"""What `visible` makes of characters that hide or turn text: direction marks, tags, zero width, escapes."""
_EXCERPT = 80


@dataclass(frozen=True)
class Suspicion:
    """A place in fenced text that reads like an attempt to steer the agent."""

    kind: str
    """override, approval, role, secrecy, exfiltration, hidden or fence."""
    source: str
    line: int
    """Counted from 1 within the source's text."""
    excerpt: str

    def __str__(self) -> str:
        return f"{self.source}:{self.line}: {self.kind}: {self.excerpt}"


def untrusted(text: str, source: str) -> str:
    """`text` fenced as data; a fence inside it can neither close ours nor open another."""
    name = _LIKE_FENCE.sub("‹", visible(source, keep="")).replace('"', "'").replace(">", "›")
    body = _LIKE_FENCE.sub("‹", sanitize_output(text)).removesuffix("\n")
    return f'<{FENCE} source="{name}">\n{body}\n</{FENCE}>'


def sanitize_output(text: str) -> str:
    """`text` as it may be sent: one kind of line end, and nothing hidden, turned or undecodable in it."""
    return visible(text.replace("\r\n", "\n"), keep=_KEPT)


def validate_prompt_safety(prompt: str) -> tuple[Suspicion, ...]:
    """What is suspicious in the fenced parts of a rendered prompt, in order; a fence left open is too.

    The human's own words and ours stand outside the fences and are not judged.
    """
    found: list[Suspicion] = []
    for block in _BLOCK.finditer(prompt):
        found += _suspicions(block[2], block[1])
    rest = _BLOCK.sub("", prompt)
    for stray in re.finditer(rf'<{FENCE} source="|</{FENCE}>', rest):
        line = rest.count("\n", 0, stray.start()) + 1
        found.append(Suspicion("fence", "prompt", line, "a fence that is not closed, or closed twice"))
    return tuple(found)


def _suspicions(text: str, source: str) -> list[Suspicion]:
    places = [(match.start(), kind) for kind, pattern in _COMPILED for match in pattern.finditer(text)]
    places += [(match.start(), "fence") for match in _FAKE_FENCE.finditer(text)]
    places += [(match.start(), "hidden") for match in _HIDDEN_MARK.finditer(text)]
    lines = text.split("\n")
    ends = list(accumulate(len(line) + 1 for line in lines))
    found: dict[tuple[int, str], Suspicion] = {}
    for start, kind in sorted(places):
        line = bisect_right(ends, start) + 1
        words = lines[line - 1].strip()
        short = words if len(words) <= _EXCERPT else words[: _EXCERPT - 1] + "…"
        found.setdefault((line, kind), Suspicion(kind, source, line, short))
    return list(found.values())
