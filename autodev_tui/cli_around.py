"""The verbs around the work: sessions, export, doctor."""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from autodev_tui.cli_print import line, money
from autodev_tui.domain.text import visible
from autodev_tui.headless import Place

if TYPE_CHECKING:
    from autodev_tui.engine.doctor import Surroundings

SIGNS = {"ok": "✓", "warn": "!", "bad": "✗"}
COLOURS = {"ok": "green", "warn": "yellow", "bad": "red"}


def sessions(directory: Path, as_json: bool) -> None:
    """`autodev sessions`."""
    from autodev_tui.cli import emit
    from autodev_tui.engine.answering.sessions import session_rows

    place = Place.find(directory, for_work=False)
    database = place.open_store(read_only=True)
    try:
        rows = [
            {name: value for name, value in row.items() if name != "current"}
            for row in session_rows(database)
        ]
    finally:
        database.close()
    if as_json:
        emit(rows)
        return
    if not rows:
        click.echo('No sessions yet. autodev run "GOAL"')
    for row in rows:
        parts = [
            f"{row['done']} of {row['tasks']} done" if row["tasks"] else "no plan",
            money(row["cost_usd"], row["cost_known"]),
            time.strftime("%Y-%m-%d %H:%M", time.localtime(row["started"])),
            *([f"◐ {row['waiting']} waiting"] if row["waiting"] else []),
            *([f"landed {row['landed'][:7]}"] if row["landed"] else []),
            *(["archived"] if row["archived"] else []),
        ]
        line(f"{row['id']}  {row['state']:<11}  {row['title'][:60]}")
        click.echo(f"    {' · '.join(parts)}")


def export(directory: Path, name: str | None, form: str) -> None:
    """`autodev export`."""
    from autodev_tui.cli import emit
    from autodev_tui.engine.export import export_document, markdown
    from autodev_tui.engine.queries import find_session

    place = Place.find(directory, for_work=False)
    database = place.open_store(read_only=True)
    try:
        session = find_session(database, name)
        document = export_document(place.repository, database, session, place.environment)
    finally:
        database.close()
    emit(document) if form == "json" else click.echo(markdown(document), nl=False)


def doctor(directory: Path, as_json: bool) -> None:
    """`autodev doctor`: code 1 when something keeps it from working."""
    from autodev_tui.cli import emit
    from autodev_tui.engine.doctor import examine

    findings = examine(_surroundings(directory))
    counts = Counter(one.state for one in findings)
    if as_json:
        emit([one.row() for one in findings])
    else:
        for one in findings:
            line(f"{SIGNS[one.state]} {one.name:<11} {one.text}", COLOURS[one.state])
            if one.todo:
                line(f"              {one.todo}")
        if not counts["warn"] and not counts["bad"]:
            click.echo("everything works")
    raise click.exceptions.Exit(1 if counts["bad"] else 0)


def _surroundings(directory: Path) -> Surroundings:
    """What there is to examine, whatever of it can be opened."""
    from autodev_tui.engine.doctor import Surroundings
    from autodev_tui.engine.trust import trust_files
    from autodev_tui.sandbox.probe import probe
    from autodev_tui.settings import Settings, SettingsError, load_settings
    from autodev_tui.vcs.errors import RepositoryError
    from store.errors import StoreError

    place, database, problem, settings_problem = None, None, None, ""
    settings: Settings | None = None
    try:
        place = Place.find(directory, for_work=False)
        Place.find(directory)
    except RepositoryError as error:
        problem = error
    state_problem = ""
    if place:
        try:
            database = place.open_store(read_only=True)
        except StoreError as error:
            state_problem = str(error)
    try:
        settings = place.settings(database, {}) if place else load_settings(os.environ)
    except SettingsError as error:
        settings_problem = visible(str(error))
    finally:
        if database:
            database.close()
    return Surroundings(
        environment=os.environ,
        repository=place.repository if place else None,
        repository_problem=problem,
        state=place.state if place else None,
        state_problem=state_problem,
        settings=settings,
        settings_problem=settings_problem,
        probe=probe(),
        brought=sorted(trust_files(place.repository.root)) if place else (),
        trusted=place.trusted if place else True,
    )
