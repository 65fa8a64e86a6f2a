"""make: the targets `test` or `check`, and `lint`; nothing is installed for it."""

from __future__ import annotations

import re

from autodev_tui.domain.evidence import Check, CheckKind
from autodev_tui.quality.ecosystems.model import Look, Part, digest, toolchain

MAKEFILES = ("GNUmakefile", "makefile", "Makefile")
"""In the order in which make looks for them."""
TARGETS = ((("test", "check", "tests"), CheckKind.BEHAVIOUR), (("lint",), CheckKind.LINT))


def look(at: Look) -> Part | None:
    """The part of a tree with a makefile that has a target for tests or lint. Sync."""
    text = next((text for name in MAKEFILES if (text := at.text(name))), "")
    if not text:
        return None
    checks = []
    for names, kind in TARGETS:
        name = next((one for one in names if _has(text, one)), "")
        if name:
            checks.append(Check(name=f"make {name}", command=f"make {name}", kind=kind))
    if not checks:
        return None
    program = at.which("make")
    return Part(
        name="make",
        state="nothing to install" if program else "not set up",
        id=digest("make", program),
        checks=checks,
        readable=toolchain(program) if program else [],
        missing=[] if program else ["make itself"],
    )


def _has(text: str, target: str) -> bool:
    return bool(re.search(rf"^{target}(?:[ \t][^:=\n]*)?::?(?!=)", text, re.MULTILINE))
