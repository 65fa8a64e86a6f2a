"""`make picture`: runs the demo without a screen and draws what it printed as docs/demo.svg, coloured."""

from __future__ import annotations

import re
import subprocess
import sys
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs" / "demo.svg"
COLUMNS = 116
STYLES = (
    (r"you ", "yellow"),
    (r"goal |plan ", "bold"),
    (r"(unittest|ruff|checks) .*(fails|finds \d|✗)", "red"),
    (r"(unittest|ruff|checks) ", "green"),
    (r"landed ", "bold green"),
    (r".*  ✗", "red"),
    (r".*  ✓", "green"),
    (r"T\d .*commit |autodev ", "cyan"),
    (r"(sample|T\d|planner) ", ""),
    (r"[0-9a-f]{7} |Only |The |Next", "bright_black"),
)
"""How a line looks, by how it begins: the first that fits."""


def main() -> int:
    """Run the demo; write the picture if it went well."""
    command = [sys.executable, "-m", "autodev_tui", "demo", "--headless"]
    done = subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        print(done.stdout, file=sys.stderr)
        return done.returncode
    PICTURE.write_text(
        drawn(re.sub(r"/\S*/autodev-demo-\w+", "/tmp/autodev-demo", done.stdout)), encoding="utf-8"
    )
    print(f"drew {PICTURE.relative_to(ROOT)}")
    return 0


def drawn(output: str) -> str:
    """`output` as an SVG that loads nothing: the reader's own monospaced font will do."""
    console = Console(record=True, width=COLUMNS, file=StringIO(), force_terminal=True, highlight=False)
    for line in output.rstrip("\n").expandtabs(4).split("\n"):
        style = next((style for start, style in STYLES if re.match(start, line)), "")
        console.print(Text(line, style=style))
    svg = console.export_svg(title="autodev demo --headless", theme=MONOKAI, unique_id="autodev-demo")
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    return "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"


if __name__ == "__main__":
    sys.exit(main())
