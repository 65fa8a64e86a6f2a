"""`autodev models`: what can be chosen, and downloading a local model."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from autodev_tui.cli_errors import Failure
from autodev_tui.cli_print import line
from autodev_tui.domain.text import visible

if TYPE_CHECKING:
    from autodev_tui.providers.ollama_pull import Progress

BAR = 24
PLAIN_EVERY = 0.1
"""Without a terminal a line is printed whenever so much more of the whole has come."""
DRAW_S = 0.1


def models(as_json: bool) -> None:
    """Every row of the catalogue, and what is missing."""
    from autodev_tui.cli import emit
    from autodev_tui.providers.catalogue import catalogue
    from autodev_tui.settings import load_settings

    settings = load_settings(os.environ)
    rows, facts = catalogue(
        os.environ,
        chosen=settings.model,
        prices=settings.price_table(),
        window=settings.limits.local_context_tokens,
    )
    if as_json:
        emit(rows)
        return
    width = max(len(row["model"]) for row in rows)
    head = f"{'model':<{width}} {'context':>9} {'output':>8} {'$/M in':>8} {'$/M out':>8}  {'tools':<5}"
    line(f"{head}  {'where':<6}  {'size':>8}  {'ready':<5}", "bold")
    for row in rows:
        line(_row(row, width))
    click.echo(_footer(facts))


def _row(row: dict[str, Any], width: int) -> str:
    prices = " ".join(
        f"{'?' if cell is None else f'{cell:.2f}':>8}"
        for cell in (row["usd_per_million_input"], row["usd_per_million_output"])
    )
    tools = {True: "yes", False: "text" if row["ready"] else "no", None: "?"}[row["tools"]]
    where = ("loaded" if row["loaded"] else "local") if row["local"] else "remote"
    size = amount(row["size_bytes"]) if row["size_bytes"] else "–"
    used = row["window"] or row["context"]
    marks = [
        *(["default"] if row["default"] else []),
        *([f"trained for {row['context']:,}"] if used and row["context"] and used < row["context"] else []),
        # The key is told once, below.
        *([row["why"]] if row["why"] and row["provider"] != "anthropic" else []),
    ]
    return (
        f"{row['model']:<{width}} {_tokens(used):>9} {_tokens(row['max_output']):>8} {prices}"
        f"  {tools:<5}  {where:<6}  {size:>8}  {'yes' if row['ready'] else 'no':<5}"
        + (f"  {' · '.join(marks)}" if marks else "")
    )


def _tokens(count: int | None) -> str:
    return "–" if count is None else f"{count:,}"


def amount(size: int) -> str:
    """Bytes in the decimal units that the server's own lists use."""
    value, unit = float(size), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"


def _footer(facts: dict[str, Any]) -> str:
    key = (
        f"key for Anthropic: set in {facts['key']}"
        if facts["key"]
        else facts["key_problem"] or "no key for Anthropic · export ANTHROPIC_API_KEY=…"
    )
    local = facts["ollama_problem"] or f"Ollama {facts['ollama_version']} at {facts['ollama']}"
    more = "" if facts["ollama_problem"] else " · autodev models --pull NAME downloads one"
    prices = f"prices of {facts['prices_date']}, yours may differ"
    return visible(f"{key}\n{local}{more}\n{prices}", keep="\n")


def pull(name: str, as_json: bool) -> None:
    """Download a model; what was fetched already is kept when it is interrupted.

    Raises:
        Failure: no server, no such model, no space.
        KeyboardInterrupt: ctrl+c.
    """
    from autodev_tui.cli import emit
    from autodev_tui.providers.base import ProviderError
    from autodev_tui.providers.ollama_pull import pull_model

    name = name.removeprefix("ollama/")
    display = _Display(name)
    try:
        last = asyncio.run(pull_model(name, os.environ, display.show))
    except ProviderError as error:
        display.end()
        raise Failure(str(error), 2 if error.kind in ("config", "not_found") else 1) from error
    except (KeyboardInterrupt, asyncio.CancelledError):
        display.end()
        print(f"stopped · autodev models --pull {name} goes on where it was", file=sys.stderr)
        raise KeyboardInterrupt from None
    display.end()
    if as_json:
        emit({"model": f"ollama/{name}", "size_bytes": last.total or None, "pulled": True, "error": None})
        return
    line(f'{name} is here · autodev run --model ollama/{name} "GOAL"')


class _Display:
    """Progress on stderr: one line that is drawn again on a terminal, few plain lines elsewhere."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._terminal = sys.stderr.isatty()
        self._drawn_at = 0.0
        self._told = ""
        self._share = -1.0
        self._open = False

    def show(self, progress: Progress) -> None:
        """Draw, not more often than eyes can follow."""
        if self._terminal:
            now = time.monotonic()
            if now - self._drawn_at < DRAW_S and progress.status == self._told:
                return
            self._drawn_at, self._told = now, progress.status
            self._open = True
            columns = os.get_terminal_size(sys.stderr.fileno()).columns or 80
            print(f"\r\x1b[2K{self._bar(progress)[: columns - 1]}", end="", file=sys.stderr, flush=True)
            return
        share = progress.share
        if progress.status != self._told or (share is not None and share >= self._share + PLAIN_EVERY):
            self._told, self._share = progress.status, share if share is not None else self._share
            print(self._plain(progress), file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave the line."""
        if self._open:
            print(file=sys.stderr, flush=True)
            self._open = False

    def _plain(self, progress: Progress) -> str:
        text = f"{self._name}: {visible(progress.status, keep='')}"
        if progress.share is None:
            return text
        return f"{text} {progress.share:.0%} of {amount(progress.total)}"

    def _bar(self, progress: Progress) -> str:
        if progress.share is None:
            return f"{self._name}: {visible(progress.status, keep='')}"
        full = int(progress.share * BAR)
        speed = f" {amount(int(progress.per_s))}/s" if progress.per_s else ""
        bar = "━" * full + " " * (BAR - full)
        return f"{self._name} {bar} {progress.share:4.0%} of {amount(progress.total)}{speed}"
