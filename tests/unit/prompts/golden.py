"""The prompts as they come out, kept as files. After a change on purpose, with the version raised:

python -m tests.unit.prompts.golden
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from prompts import PromptTemplateManager, shipped_names
from prompts.samples import samples

FOLDER = Path(__file__).parent / "golden"


def expected(name: str) -> str:
    """What is kept for a template; empty if nothing is."""
    path = FOLDER / f"{name}.txt"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def head(name: str) -> str:
    """Version and content of the template."""
    template = PromptTemplateManager().load_template(name)
    return f"{template.label} {hashlib.sha256(template.text.encode()).hexdigest()[:12]}"


def rendered(name: str) -> str:
    """The template on full and on bare values, under its head."""
    manager = PromptTemplateManager()
    texts = [manager.render_template(name, **values) for values in samples(name)]
    return "\n".join([head(name), *(f"{'=' * 20}\n{text}" for text in dict.fromkeys(texts))]) + "\n"


def main() -> int:
    """Write what changed; refuse a changed template whose version was not raised."""
    FOLDER.mkdir(exist_ok=True)
    for name in shipped_names():
        version, digest = head(name).split()
        old = expected(name).partition("\n")[0].split()
        if old and old[0] == version and old[1] != digest:
            print(f"{name}: the template changed, so raise the version in its header", file=sys.stderr)
            return 1
        (FOLDER / f"{name}.txt").write_text(rendered(name), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
