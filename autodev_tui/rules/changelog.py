"""The changelog from commits: conventional types in groups, a section for each version (Keep a Changelog)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from autodev_tui.rules.history import Commit, History
from autodev_tui.rules.sections import filled, find, harmless, part

NAME = "changelog"
GROUPS = (
    ("feat", "Added"),
    ("fix", "Fixed"),
    ("perf", "Performance"),
    ("refactor", "Changed"),
    ("revert", "Reverted"),
    ("security", "Security"),
    ("docs", "Documentation"),
    ("test", "Tests"),
    ("build", "Build"),
    ("ci", "Build"),
    ("style", "Maintenance"),
    ("chore", "Maintenance"),
)
"""The types of Conventional Commits and the headings that they stand under, in this order."""
OTHER = "Other"
_HEADINGS = [*dict.fromkeys(heading for _, heading in GROUPS), OTHER]
_SAME = {
    "feature": "feat",
    "features": "feat",
    "bugfix": "fix",
    "hotfix": "fix",
    "doc": "docs",
    "tests": "test",
}
_CONVENTIONAL = re.compile(
    r"(?P<type>[A-Za-z]+)(?:\((?P<scope>[^()\n]{1,60})\))?(?P<breaking>!)?:[ \t]+(?P<subject>\S.*)"
)
_BREAKING = re.compile(r"^BREAKING[ -]CHANGE:", re.MULTILINE)
_REVERT = re.compile(r"Revert \"(?P<subject>.+)\"")
_SINCE = re.compile(r"<!-- since (?P<commit>[0-9a-f]{40}|the beginning)(?: [^>]*)?-->")
_UNRELEASED = re.compile(r"^##[ \t]+\[?unreleased\]?.*$", re.IGNORECASE | re.MULTILINE)
_FIRST_ENTRY = re.compile(r"^##[ \t]", re.MULTILINE)
_INTRO = """# Changelog

What is worth knowing of each version, in the manner of [Keep a Changelog](https://keepachangelog.com).

"""


def changed(old: str | None, path: str, history: History) -> str:
    """The text of the changelog at `path` with what the commits tell; the same where there is nothing new.

    Raises:
        CannotGoOn: the markers in it are not sound.
    """
    text = old or ""
    base, label = _base(text, path, history, exists=old is not None)
    place = find(text, path, NAME)
    outside = f"{text[: place[0]]}{text[place[1] :]}" if place else text
    inside = _inside(history, base, label, path, heading=not _UNRELEASED.search(outside))
    if place:
        return filled(text, path, NAME, inside) or text
    if not _told(inside):
        return text if old is not None else _INTRO + part(NAME, inside)
    block = part(NAME, inside)
    if not text.strip():
        return _INTRO + block
    if found := _UNRELEASED.search(text):
        return f"{text[: found.end()]}\n\n{block}{text[found.end() :].removeprefix(chr(10))}"
    if found := _FIRST_ENTRY.search(text):
        return f"{text[: found.start()]}{block}\n{text[found.start() :]}"
    return f"{text.rstrip()}\n\n{block}"


def _base(text: str, path: str, history: History, *, exists: bool) -> tuple[str, str]:
    """The commit after which the part begins, "" for the first one, and how it is called."""
    place = find(text, path, NAME)
    if place and (found := _SINCE.search(text[place[0] : place[1]])):
        if found["commit"] == "the beginning":
            return "", ""
        if history.has(found["commit"]):
            return found["commit"], found[0].partition(found["commit"])[2].removesuffix("-->").strip()
    tags = history.tags("")
    tagged = tags[-1].commit if tags else ""
    entry = history.last_change(path) if exists and not place else ""
    base = history.newer(tagged, entry)
    return base, tags[-1].name if tags and base == tagged else ""


def _inside(history: History, base: str, label: str, path: str, *, heading: bool) -> str:
    """All sections after `base`, the newest first."""
    ours = history.only_in(path, base)
    sections: list[str] = []
    since = base
    for tag in history.tags(base):
        entries = _entries(history.commits(since, tag.commit), ours)
        if entries:
            sections.insert(0, f"## [{harmless(tag.name).removeprefix('v')}] - {tag.day}\n\n{entries}")
        since = tag.commit
    entries = _entries(history.commits(since), ours)
    if entries:
        sections.insert(0, f"## [Unreleased]\n\n{entries}" if heading else entries)
    name = f" {harmless(label)}".rstrip()
    note = f"<!-- since {base or 'the beginning'}{name} -->"
    return "\n\n".join([note, *sections])


def _told(inside: str) -> bool:
    return "\n- " in inside


def _entries(commits: Iterable[Commit], left_out: Iterable[str]) -> str:
    """The commits as lists under their headings; "" for none."""
    groups: dict[str, list[str]] = {}
    unwanted = set(left_out)
    for commit in commits:
        if commit.id not in unwanted and (found := entry(commit)):
            heading, line = found
            if line not in groups.setdefault(heading, []):
                groups[heading].append(line)
    parts = [
        "\n".join([f"### {heading}", "", *(f"- {line}" for line in groups[heading])])
        for heading in _HEADINGS
        if heading in groups
    ]
    return "\n\n".join(parts)


def entry(commit: Commit) -> tuple[str, str] | None:
    """The heading and the line of one commit; None for one without words."""
    subject = commit.message.strip().partition("\n")[0].strip()
    if not subject:
        return None
    found = _CONVENTIONAL.fullmatch(subject)
    kind = _SAME.get(found["type"].lower(), found["type"].lower()) if found else ""
    heading = dict(GROUPS).get(kind, OTHER)
    breaking = bool(found and found["breaking"]) or bool(_BREAKING.search(commit.message))
    if found and heading != OTHER:
        scope = f"**{harmless(found['scope'])}:** " if found["scope"] else ""
        line = f"{scope}{harmless(found['subject'])}"
    elif reverted := _REVERT.fullmatch(subject):
        heading, line = "Reverted", harmless(reverted["subject"])
    else:
        line = harmless(subject)
    return heading, f"{'**Breaking:** ' if breaking else ''}{line} ({commit.id[:7]})"
