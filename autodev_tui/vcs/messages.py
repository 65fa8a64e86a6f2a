"""Commit messages by convention, made from the change itself, with trailers that nothing can forge."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from autodev_tui.domain.base import Frozen
from autodev_tui.vcs.git import Git
from autodev_tui.vcs.wording import common_scope, imperative, kind_of_change, scope_name

if TYPE_CHECKING:
    from autodev_tui.domain.changeset import ChangeSet

Trailers = Sequence[tuple[str, str]]
TYPES = ("build", "chore", "ci", "docs", "feat", "fix", "perf", "refactor", "revert", "style", "test")
"""Conventional Commits 1.0 with the types of the Angular convention."""
SUBJECT_LIMIT = 72
"""Characters of the whole first line: what git, mail and code hosts show uncut."""
TRAILER_LIMIT = 400

_HEADER = re.compile(
    rf"(?P<type>{'|'.join(TYPES)})(?:\((?P<scope>[^()\s]+)\))?(?P<breaking>!)?: +(?P<rest>.+)", re.I
)
_TOKEN = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_RESERVED = re.compile(r"\s*(autodev-[a-z0-9-]+|approved-by|breaking[ -]change)\s*:", re.I)
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff]+"
)
"""Control, bidirectional, invisible and surrogate characters: none of them belongs in a message."""


class CommitResult(Frozen):
    """What one commit is and how much it changes against its first parent, as `git show --numstat` counts."""

    commit_hash: str
    commit_url: str = ""
    files_changed: int
    insertions: int
    deletions: int


def commit_message(
    title: str,
    changes: ChangeSet,
    body: str = "",
    trailers: Trailers = (),
    breaking: str = "",
    subject: str = "",
) -> str:
    """A conventional commit message: `type(scope): subject`, body, BREAKING CHANGE footer, trailers.

    A title that is conventional already keeps its type and scope. A `subject` that is conventional is taken
    as it is in place of the title; any other is passed over. Words that look like our trailers inside
    `body` are quoted, so that only `trailers` can make one.
    """
    exact = _HEADER.fullmatch(_one_line(subject))
    words = exact[0] if exact else _one_line(title)
    paths = [file.path for file in changes.files]
    given = _HEADER.fullmatch(words)
    if given:
        kind, scope, words = given["type"].lower(), scope_name(given["scope"] or ""), given["rest"]
        breaking = breaking or (words if given["breaking"] else "")
    else:
        added = any(file.status == "added" for file in changes.files)
        kind, scope = kind_of_change(words, paths, added), common_scope(paths)
    scope = "" if scope.rstrip("s") == kind.rstrip("s") else scope
    mark = "!" if breaking else ""
    head = f"{kind}({scope}){mark}: " if scope and len(scope) <= 24 else f"{kind}{mark}: "
    parts = [head + _shorten(words if exact else imperative(words, kind), SUBJECT_LIMIT - len(head))]
    parts += [text] if (text := _body(body)) else []
    # In a paragraph of its own: "BREAKING CHANGE" has a space, so beside trailers git would see no trailers.
    parts += [f"BREAKING CHANGE: {text}"] if (text := _one_line(breaking)) else []
    return with_trailers("\n\n".join(parts) + "\n", trailers)


def step_trailers(step: str, task: str = "", session: str = "", approved_by: Iterable[str] = ()) -> Trailers:
    """The trailers of a commit of ours, empty values left out."""
    pairs = [("Autodev-Step", step), ("Autodev-Task", task), ("Autodev-Session", session)]
    pairs += [("Approved-by", name) for name in approved_by]
    return [(key, value) for key, value in pairs if _one_line(value)]


def with_trailers(message: str, trailers: Trailers) -> str:
    """The message with these trailers in its last paragraph; those it has already are not repeated.

    Raises:
        ValueError: if a key is not a trailer token.
    """
    present = trailers_of(message)
    lines = []
    for key, value in trailers:
        if not _TOKEN.fullmatch(key):
            raise ValueError(f"{key!r} cannot be the key of a trailer")
        pair = (key, _one_line(value)[:TRAILER_LIMIT].rstrip())
        if pair[1] and pair not in present:
            present.append(pair)
            lines.append(f"{pair[0]}: {pair[1]}")
    if not lines:
        return message
    text = message.rstrip()
    joint = "\n" if trailers_of(text) else "\n\n"
    return f"{text}{joint}" + "\n".join(lines) + "\n"


def trailers_of(message: str) -> list[tuple[str, str]]:
    """The trailers of a message: its last paragraph, if it is not the first and each line is `Key: value`."""
    head, _, last = message.rstrip().rpartition("\n\n")
    lines = [line.partition(":") for line in last.split("\n")]
    if not head.strip() or not all(mark and _TOKEN.fullmatch(key) for key, mark, _ in lines):
        return []
    return [(key, value.strip()) for key, _, value in lines]


def commit_result(git: Git, commit: str, url: str = "") -> CommitResult:
    """Counts of a commit against its first parent; binary files count as files only. Synchronous."""
    raw = git.run(
        "show", "--numstat", "-z", "--format=", "-M", "-m", "--first-parent", "--no-ext-diff",
        "--no-textconv", commit,
    )  # fmt: skip
    fields = iter(raw.split(b"\0"))
    files = insertions = deletions = 0
    for entry in fields:
        added, mark, rest = entry.partition(b"\t")
        if not mark:
            continue
        removed, _, path = rest.partition(b"\t")
        if not path:  # a rename: old and new path follow
            next(fields), next(fields)
        files += 1
        insertions += int(added) if added != b"-" else 0
        deletions += int(removed) if removed != b"-" else 0
    return CommitResult(
        commit_hash=git.text("rev-parse", f"{commit}^{{commit}}"),
        commit_url=url,
        files_changed=files,
        insertions=insertions,
        deletions=deletions,
    )


def _shorten(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    # At a word, unless that would lose half of it.
    cut = cut[: cut.rfind(" ")] if cut.rfind(" ") > limit // 2 else cut
    return cut.rstrip(" ,;:.-") + "…"


def _one_line(text: str) -> str:
    return " ".join(_UNSEEN.sub(" ", text).split())


def _body(text: str) -> str:
    """Paragraphs wrapped at 72; lists and indented lines stay as they are."""
    paragraphs: list[str] = []
    for paragraph in re.split(r"\n\s*\n", text.replace("\r\n", "\n").replace("\r", "\n")):
        lines = [_UNSEEN.sub(" ", line).rstrip() for line in paragraph.split("\n")]
        lines = [f"> {line}" if _RESERVED.match(line) else line for line in lines if line]
        if all(not line.startswith((" ", "-", "*", ">", "#")) and not line[:1].isdigit() for line in lines):
            lines = textwrap.wrap(
                " ".join(lines), SUBJECT_LIMIT, break_long_words=False, break_on_hyphens=False
            )
            # Wrapping may have moved a word to the start of a line where it reads as a trailer.
            lines = [f"> {line}" if _RESERVED.match(line) else line for line in lines]
        if lines:
            paragraphs.append("\n".join(lines))
    if paragraphs and trailers_of("x\n\n" + paragraphs[-1]):
        paragraphs[-1] = textwrap.indent(paragraphs[-1], "> ")
    return "\n\n".join(paragraphs)
