"""AUTO_FORMAT beyond Python: what gofmt, rustfmt and the repository's own prettier would write."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from autodev_tui.quality.failures.model import Strategy
from autodev_tui.quality.healing.model import Change, Repair, some
from autodev_tui.quality.healing.outcome import Outcome
from autodev_tui.quality.healing.tree import Tree

PRETTIER = "node_modules/.bin/prettier"
RUSTFMT = "cargo fmt --all -- --check"
COMMANDS = ("gofmt -d", RUSTFMT, PRETTIER)
"""Commands that only print, for any files: those that rules run."""
_RUST = re.compile(r"^Diff in (?P<path>.+?)(?::(?P<line>\d+):| at line (?P<line2>\d+):)$")
_COLOUR = re.compile(r"\x1b(?:\[[0-9;]*m|\(B)")


def formats(tree: Tree, outcome: Outcome) -> Iterator[Repair]:
    """A repair for each formatter that calls files unformatted and can print what it would write."""
    files: dict[str, set[str]] = {}
    for one in outcome.failures:
        if one.code == "unformatted" and (path := tree.local(one.path or "")):
            files.setdefault(one.tool, set()).add(path)
    for tool, paths in files.items():
        listed = sorted(paths)
        repair = Repair(
            Strategy.AUTO_FORMAT,
            f"formatted with {tool}: {some(listed)}",
            paths=frozenset(listed),
            lead=f"formatted with {tool}:",
            mends="format",
            tool=tool,
        )
        match tool:
            case "gofmt":
                yield replace(repair, command=shlex.join(["gofmt", "-d", *listed]))
            case "rustfmt":
                yield replace(repair, command=RUSTFMT)
            case "prettier" if (tree.root / PRETTIER).is_file():
                prints = tuple((path, shlex.join([PRETTIER, path])) for path in listed)
                yield replace(repair, prints=prints)


def diff_of_rustfmt(output: str) -> str:
    """rustfmt's own form of a difference as a unified one; anything else as it is."""
    lines: list[str] = []
    hunk: list[str] = []
    start = 0

    def ended() -> list[str]:
        # The end of the file comes as one more blank line; context is not missed.
        body = list(hunk)
        while body and not body[-1]:
            body.pop()
        old, new = (sum(not line.startswith(mark) for line in body) for mark in "+-")
        return [f"@@ -{start},{old} +{start},{new} @@", *(line or " " for line in body)] if body else []

    for line in _COLOUR.sub("", output).split("\n"):
        if found := _RUST.match(line):
            lines += [*ended(), f"--- {found['path']}", f"+++ {found['path']}"]
            hunk, start = [], int(found["line"] or found["line2"])
        elif start:
            hunk.append(line)
    return "\n".join([*lines, *ended()]) if start else output


def written(path: str, old: bytes, output: str) -> Change | None:
    """The change of a file to what its formatter printed; None where that says more or less than before.

    Messages may stand between, and what is secret may be masked: a formatter moves words, and changes none.
    """
    try:
        before = old.decode()
    except UnicodeDecodeError:
        return None
    after = output.rstrip("\n") + "\n"
    if "\r" in before or before == after or _words(before) != _words(after):
        return None
    return Change(path, old, after.encode())


def _words(text: str) -> Counter[str]:
    return Counter(re.findall(r"[^\W_]+", text.lower()))
