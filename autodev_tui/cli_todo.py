"""`autodev todo`: the to-do list of a repository."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from autodev_tui.cli_errors import Failure, guarded
from autodev_tui.domain.text import visible

STATUSES = ("in_progress", "completed", "failed")


def _state(directory: Path, /) -> Path:
    from autodev_tui.headless import Place

    return Place.find(directory).state


@click.group()
def todo() -> None:
    """Tasks written down for later, each with its own small list."""


@todo.command("new")
@click.argument("description")
@click.pass_obj
def new(directory: Path, /, description: str) -> None:
    """Write a task down; prints its id."""
    from store.todo import new_task

    with guarded(False):
        if not description.strip():
            raise Failure("the description is empty", 2)
        click.echo(new_task(_state(directory), description))


@todo.command("add")
@click.argument("task")
@click.argument("text")
@click.pass_obj
def add(directory: Path, /, task: str, text: str) -> None:
    """Add an item to TASK's list; prints its number."""
    from store.todo import add_todo

    with guarded(False):
        click.echo(_named(task, lambda: add_todo(_state(directory), task, text)) + 1)


@todo.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
@click.pass_obj
def list_(directory: Path, /, as_json: bool) -> None:
    """The tasks that are not ended."""
    from autodev_tui.cli import emit
    from autodev_tui.headless import Place
    from store.todo import list_open_tasks

    with guarded(as_json):
        database = Place.find(directory).open_store(read_only=True)
        try:
            tasks = list_open_tasks(database)
        finally:
            database.close()
        if as_json:
            emit(tasks)
            return
        for task in tasks:
            click.echo(visible(f"{task['id']}  {task['description']}"))
            for number, item in enumerate(task["todos"], 1):
                click.echo(visible(f"    {number}. [{'x' if item['done'] else ' '}] {item['text']}"))
        if not tasks:
            click.echo("Nothing to do.")


@todo.command("done")
@click.argument("task")
@click.argument("number", type=click.IntRange(min=1))
@click.pass_obj
def done(directory: Path, /, task: str, number: int) -> None:
    """Tick item NUMBER of TASK's list."""
    from store.todo import mark_done

    with guarded(False):
        _named(task, lambda: mark_done(_state(directory), task, number - 1))


@todo.command("status")
@click.argument("task")
@click.argument("status", type=click.Choice(STATUSES))
@click.pass_obj
def status(directory: Path, /, task: str, status: str) -> None:
    """Set TASK's status."""
    from store.todo import set_task_status

    with guarded(False):
        _named(task, lambda: set_task_status(_state(directory), task, status))


@todo.command("delete")
@click.argument("task")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def delete(directory: Path, /, task: str, yes: bool) -> None:
    """Delete TASK and its list for good."""
    from store.todo import hard_delete_task

    with guarded(False):
        if not yes and not sys.stdin.isatty():
            raise Failure("say --yes to delete without being asked", 2)
        if not yes and not click.confirm(f"delete {task} for good?"):
            return
        _named(task, lambda: hard_delete_task(_state(directory), task))


@todo.command("export")
@click.pass_obj
def export(directory: Path, /) -> None:
    """Print all tasks as JSON; `import` takes it back unchanged."""
    from store.todo import export_json

    with guarded(False):
        click.echo(export_json(_state(directory)))


@todo.command("import")
@click.argument("file", type=click.File())
@click.pass_obj
def import_(directory: Path, /, file: Any) -> None:
    """Take tasks from FILE (`-` is stdin), as `export` prints them."""
    from store.todo import import_json

    with guarded(False):
        try:
            count = import_json(_state(directory), file.read())
        except ValueError as error:
            raise Failure(f"{file.name}: {error}", 2) from error
        click.echo(f"{count} tasks")


def _named(task: str, act: Any) -> Any:
    try:
        return act()
    except KeyError as error:
        raise Failure(f"no task {task} · autodev todo list", 2) from error
    except IndexError as error:
        raise Failure(f"task {task} has no such item · autodev todo list", 2) from error
