"""One seeded broken repository: its files, its checks, and whether rules should be able to heal it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

OUT = "out of reach"
_PART = re.compile(r"^-- (?:(site|holds):)?(\S+) --\n", re.MULTILINE)


@dataclass(frozen=True)
class Case:
    """`kind` groups the figures. Out of reach: nothing may be healed, and nothing may be changed."""

    name: str
    kind: str
    files: Mapping[str, bytes]
    checks: tuple[str, ...]
    holds: Mapping[str, str] = field(default_factory=dict)
    """Text that a file must have in the end: the mend is the right one, not just a green one."""
    held_out: bool = False
    """Written after the strategies were done."""
    site: Mapping[str, bytes] = field(default_factory=dict)
    """Files of a small index; the first folder is the distribution's name."""
    rule: str = "heal"
    part: bool = False
    """Something out of reach is red as well, and stays so."""

    def build(self, folder: Path) -> Path:
        """The repository in `folder`."""
        write(folder, self.files)
        return folder


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Lay files below a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def read_case(path: Path) -> Case:
    """A case from its text: lines `key: value`, then files, each after a line `-- path --`.

    `bom`, `crlf` and `bare` (no line end at its end) name files that are laid so. `holds:` before a path is
    text that the file must have once it is healed, `site:` a file of the index.
    """
    head, *rest = _PART.split(path.read_text(encoding="utf-8"))
    said = [line.split(": ", 1) for line in head.splitlines()]
    values = dict(said)
    files: dict[str, dict[str, bytes]] = {"": {}, "site": {}, "holds": {}}
    for what, name, text in zip(rest[0::3], rest[1::3], rest[2::3], strict=True):
        files[what or ""][name] = _laid(text, name, said)
    return Case(
        name=path.stem.replace("_", " "),
        kind=values["kind"],
        files=files[""],
        checks=tuple(value for key, value in said if key == "check"),
        holds={name: text.decode().removesuffix("\n") for name, text in files["holds"].items()},
        held_out=path.parent.name == "held_out",
        site=files["site"],
        rule=values.get("rule", "heal"),
        part="part" in values,
    )


def _laid(text: str, name: str, said: list[list[str]]) -> bytes:
    ways = {key for key, value in said if value == name}
    if "bare" in ways:
        text = text.removesuffix("\n")
    if "crlf" in ways:
        text = text.replace("\n", "\r\n")
    return (b"\xef\xbb\xbf" if "bom" in ways else b"") + text.encode()
