"""The command line: every verb, its options, its exit code."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import click

from autodev_tui.cli_errors import Failure, guarded
from autodev_tui.cli_goal import goal_words
from autodev_tui.cli_types import MainGroup, NearestChoice, NearestGroup, PlainText, Positive
from autodev_tui.domain.levels import Level
from autodev_tui.version import __version__


@click.group(
    cls=MainGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, message="autodev %(version)s")
@click.option("-C", "directory", default=".", metavar="DIR", help="Work on the repository at DIR.")
@click.pass_context
def main(ctx: click.Context, directory: str) -> None:
    """Hand goals to coding agents and stay in command.

    Without a command it opens the workbench, which offers to go on with what was interrupted. Each goal is
    planned, worked on in git worktrees inside a sandbox, checked, reviewed and landed. Whatever stops it,
    `autodev resume` goes on exactly there.
    """
    for stream in (sys.stdout, sys.stderr):
        # A terminal that knows fewer characters than we use shows their numbers.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    ctx.obj = Path(directory)
    if ctx.invoked_subcommand is None:
        from autodev_tui import cli_workbench

        with guarded(False):
            cli_workbench.workbench(ctx.obj)


as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
record_option = click.option("--record", metavar="FILE", help="Keep the model's words: --model replay:FILE.")
model_option = click.option("--model", metavar="P/M", help="Such as anthropic/NAME, ollama/NAME or rules.")
level_option = click.option(
    "--autonomy",
    type=NearestChoice([level.value for level in Level]),
    help="Set the slider and pin the goal to this level.",
)
budget_option = click.option("--budget", type=Positive(), metavar="USD", help="Stop and ask at this cost.")
timeout_option = click.option(
    "--timeout", type=Positive(), metavar="S", help="Stop, resumable, after S seconds."
)


@main.command()
@click.argument("goal", type=PlainText(), required=False)
@click.option("--plan", "plan_id", metavar="ID", help="Carry out a plan made with `autodev plan`.")
@level_option
@model_option
@budget_option
@click.option("--land", is_flag=True, help="At full, land on your branch without asking.")
@record_option
@timeout_option
@as_json
@click.pass_obj
def run(directory: Path, /, goal: str | None, plan_id: str | None, land: bool, **options: Any) -> None:
    """Carry out GOAL (`-` reads it from stdin) until it is done or waits for you."""
    from autodev_tui import cli_run

    with guarded(options["as_json"]):
        if plan_id:
            if goal:
                raise Failure("a goal and --plan exclude each other", 2)
            cli_run.run_plan(directory, plan_id, land, options)
        else:
            cli_run.start(directory, goal_words(goal), land, options)


@main.command()
@click.argument("goal", type=PlainText())
@click.option(
    "--requirements", type=click.Path(), metavar="F.md", help="A file that says more about the goal."
)
@level_option
@model_option
@budget_option
@timeout_option
@as_json
@click.pass_obj
def plan(directory: Path, /, goal: str, requirements: str | None, **options: Any) -> None:
    """Plan GOAL and stop: prints the tasks; `autodev run --plan ID` carries them out."""
    from autodev_tui import cli_run

    with guarded(options["as_json"]):
        cli_run.plan(directory, goal_words(goal), requirements, options)


@main.command()
@click.option(
    "--check", type=PlainText(), metavar="CMD", help="Heal what this command finds, and nothing else."
)
@level_option
@as_json
@click.pass_obj
def heal(directory: Path, /, check: str | None, **options: Any) -> None:
    """Mend what is red, without a model: format, imports, dependencies, names that are nearly right.

    Each repair is proven by the same check or taken back exactly, and comes to you as a change to review.
    """
    from autodev_tui import cli_heal

    with guarded(options["as_json"]):
        cli_heal.heal(directory, check, options)


@main.command()
@click.argument("session", required=False)
@click.option("--headless", is_flag=True, help="Without the workbench, as it is without a terminal.")
@model_option
@click.option("--land", is_flag=True, help="At full, land on your branch without asking.")
@record_option
@timeout_option
@as_json
@click.pass_obj
def resume(directory: Path, /, session: str | None, headless: bool, land: bool, **options: Any) -> None:
    """Go on with SESSION, or the latest one, exactly where it stopped.

    On a terminal it opens the workbench on it; with any option, or without a terminal, it runs headless.
    """
    from autodev_tui import cli_run, cli_workbench

    with guarded(options["as_json"]):
        if not (headless or land or any(options.values())) and cli_workbench.on_terminal():
            cli_workbench.workbench(directory, cli_run.resumable(directory, session))
        cli_run.resume(directory, session, land, options)


@main.command()
@click.argument("session", required=False)
@click.option("--hash", "shown", metavar="H", help="The hash of the land question as `approvals` shows it.")
@click.option(
    "--leave-out", is_flag=True, help="Without the tasks that need a model; they stay in `autodev todo`."
)
@model_option
@timeout_option
@as_json
@click.pass_obj
def land(directory: Path, /, session: str | None, shown: str | None, leave_out: bool, **options: Any) -> None:
    """Land SESSION, or the latest one, on your branch: the answer to its open land question."""
    from autodev_tui import cli_run

    with guarded(options["as_json"]):
        cli_run.land(directory, session, shown, leave_out, options)


@main.command()
@click.option("--headless", is_flag=True, help="By itself, without the workbench, as without a terminal.")
def demo(headless: bool) -> None:
    """Try it on a sample repository: no key, no model, nothing of yours is touched.

    Only the model's words are recorded. On a terminal it opens the workbench with a goal typed already;
    without one it runs through by itself and prints what happened.
    """
    from autodev_tui import cli_demo

    with guarded(False):
        cli_demo.demo(headless=headless)


@main.command()
@click.argument("session", required=False)
@click.pass_obj
def stop(directory: Path, /, session: str | None) -> None:
    """Stop the running engine; it records where it is and can be resumed."""
    from autodev_tui import cli_answers

    with guarded(False):
        cli_answers.stop(directory, session)


@main.command()
@click.argument("session", required=False)
@as_json
@click.pass_obj
def status(directory: Path, /, session: str | None, as_json: bool) -> None:
    """What the latest session (or SESSION) is doing, and where its files are."""
    from autodev_tui import cli_show

    with guarded(as_json):
        cli_show.status(directory, session, as_json)


@main.command()
@click.argument("session")
@as_json
@click.pass_obj
def show(directory: Path, /, session: str, as_json: bool) -> None:
    """Everything about SESSION: plan, evidence, decisions, text for a pull request."""
    from autodev_tui import cli_show

    with guarded(as_json):
        cli_show.show(directory, session, as_json)


@main.command()
@as_json
@click.pass_obj
def sessions(directory: Path, /, as_json: bool) -> None:
    """All sessions of this repository, the latest first."""
    from autodev_tui import cli_around

    with guarded(as_json):
        cli_around.sessions(directory, as_json)


@main.command()
@click.argument("session", required=False)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--format", "form", type=NearestChoice(["markdown", "json"]), default="markdown")
@click.pass_obj
def export(directory: Path, /, session: str | None, as_json: bool, form: str) -> None:
    """Print SESSION, or the latest one, as a document to keep: no secrets are in it."""
    from autodev_tui import cli_around

    with guarded(as_json or form == "json"):
        cli_around.export(directory, session, "json" if as_json else form)


@main.command()
@click.option("--pull", "name", metavar="NAME", help="Download a local model through the Ollama server.")
@as_json
def models(name: str | None, as_json: bool) -> None:
    """The models that can be used: Anthropic's, and those of the Ollama server; which one is the default."""
    from autodev_tui import cli_models

    with guarded(as_json):
        if name is None:
            cli_models.models(as_json)
        else:
            cli_models.pull(name, as_json)


@main.command()
@click.argument("session", required=False)
@click.option("--by", type=NearestChoice(["task", "agent", "model", "day"]), default="task")
@as_json
@click.pass_obj
def usage(directory: Path, /, session: str | None, by: str, as_json: bool) -> None:
    """What SESSION, or the latest one, has cost, what all of them have, and what your limits leave."""
    from autodev_tui import cli_usage

    with guarded(as_json):
        cli_usage.usage(directory, session, by, as_json)


@main.command()
@as_json
@click.pass_obj
def doctor(directory: Path, /, as_json: bool) -> None:
    """What works here and what does not, each with what to do; code 1 when something is wrong."""
    from autodev_tui import cli_around

    with guarded(as_json):
        cli_around.doctor(directory, as_json)


@main.command()
@as_json
@click.pass_obj
def approvals(directory: Path, /, as_json: bool) -> None:
    """The questions that wait for you, in full, each with its hash."""
    from autodev_tui import cli_show

    with guarded(as_json):
        cli_show.approvals(directory, as_json)


shown_hash = click.option(
    "--hash",
    "shown",
    required=True,
    metavar="H",
    help="The hash as `approvals` shows it: you decide what you saw.",
)


@main.command()
@click.argument("approval")
@shown_hash
@click.option("--hunks", metavar="1,3-5", help="Accept just these hunks; the others are rejected.")
@click.option("--reason", type=PlainText(), default="", help="What the agent reads.")
@as_json
@click.pass_obj
def approve(
    directory: Path, /, approval: str, shown: str, hunks: str | None, reason: str, as_json: bool
) -> None:
    """Say yes to a question. `autodev resume` goes on from the answer."""
    from autodev_tui import cli_answers

    with guarded(as_json):
        cli_answers.approve(directory, approval, shown, hunks, reason, as_json)


@main.command()
@click.argument("approval")
@shown_hash
@click.option("--hunks", metavar="1,3-5", help="Reject just these hunks; the others are accepted.")
@click.option("--reason", type=PlainText(), default="", help="What the agent reads.")
@as_json
@click.pass_obj
def reject(
    directory: Path, /, approval: str, shown: str, hunks: str | None, reason: str, as_json: bool
) -> None:
    """Say no to a question, with a reason for the agent."""
    from autodev_tui import cli_answers

    with guarded(as_json):
        cli_answers.reject(directory, approval, shown, hunks, reason, as_json)


@main.command()
@click.argument("approval")
@shown_hash
@click.option("--choice", metavar="NAME", help="One of the question's choices.")
@click.option("--text", type=PlainText(), metavar="T", help="An answer in your own words.")
@as_json
@click.pass_obj
def answer(
    directory: Path, /, approval: str, shown: str, choice: str | None, text: str | None, as_json: bool
) -> None:
    """Answer a question, an escalation, an unknown step or a spent budget."""
    from autodev_tui import cli_answers

    with guarded(as_json):
        if bool(choice) == bool(text):
            raise Failure("give either --choice or --text", 2)
        cli_answers.answer(directory, approval, shown, choice or "", text or "", as_json)


@main.command()
@click.option("--show", "show_files", is_flag=True, help="Print what would be trusted, as plain text.")
@click.option("--hash", "digest", metavar="H", help="Trust exactly what --show printed.")
@click.option("--revoke", is_flag=True, help="Trust this repository's files no longer.")
@as_json
@click.pass_obj
def trust(directory: Path, /, show_files: bool, digest: str | None, revoke: bool, as_json: bool) -> None:
    """Trust this repository's own configuration and rules (.autodev/, AGENTS.md, CLAUDE.md)."""
    from autodev_tui import cli_answers

    with guarded(as_json):
        cli_answers.trust(directory, digest, revoke, as_json)


@main.group(cls=NearestGroup)
def worktree() -> None:
    """The worktrees that agents work in."""


@worktree.command("list")
@as_json
@click.pass_obj
def worktree_list(directory: Path, /, as_json: bool) -> None:
    """List the worktrees of this repository's sessions."""
    from autodev_tui import cli_show

    with guarded(as_json):
        cli_show.worktrees(directory, as_json)


@worktree.command("remove")
@click.argument("name")
@click.option("--force", is_flag=True, help="Also when its session may still go on.")
@as_json
@click.pass_obj
def worktree_remove(directory: Path, /, name: str, force: bool, as_json: bool) -> None:
    """Remove a worktree; its branch and checkpoints stay."""
    from autodev_tui import cli_show

    with guarded(as_json):
        cli_show.remove_worktree(directory, name, force, as_json)


def add_todo_commands() -> None:
    """Hang in the to-do verbs, which are a small program of their own."""
    from autodev_tui.cli_todo import todo

    main.add_command(todo)


add_todo_commands()


def emit(document: Any) -> None:
    """One JSON document on stdout."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=True))
