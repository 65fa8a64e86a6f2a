"""A session as a document to keep: everything that was wanted, decided, done and seen to work."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from autodev_tui.domain.approval import Approval
from autodev_tui.domain.session import Session
from autodev_tui.domain.text import visible
from autodev_tui.engine.queries import approval_view, session_view
from autodev_tui.engine.report import pull_request
from autodev_tui.policy.secrets import Masker, secret_values
from autodev_tui.vcs.errors import RepositoryError
from autodev_tui.vcs.git import GitError
from autodev_tui.vcs.repository import Repository
from store.database import Database


def export_document(
    repository: Repository, database: Database, session: Session, environment: Mapping[str, str]
) -> dict[str, Any]:
    """The session as one JSON document, with every secret taken out. Sync; some git calls."""
    approvals = [Approval(**one) for one in database.all("approvals", session=session.id)]
    decided = sorted((one for one in approvals if one.decision), key=lambda one: one.created)
    view = session_view(database, session)
    trees = {task["tree"] for task in view["tasks"]}
    try:
        if session.head_commit:
            trees.add(repository.tree_of(session.head_commit))
        text, commits = pull_request(repository, database, session), _commits(repository, session)
    except (GitError, RepositoryError) as error:
        # Its branches may have been removed since; the records are still worth keeping.
        text, commits, view = "", [], view | {"problem": str(error)}
    document = view | {
        "title": session.title or session.goal.partition("\n")[0],
        "model": session.model,
        "started": session.start_time,
        "ended": session.end_time,
        "active_s": session.active_s,
        "budget_usd": session.budget_usd,
        "base": session.base_commit,
        "instructions": session.instructions,
        "analysis": session.analysis,
        "decisions": [
            approval_view(one)
            | {"decision": one.decision.model_dump(mode="json", exclude={"mac"}) if one.decision else None}
            for one in decided
        ],
        "evidence": [one for one in database.all("evidence") if one["tree"] in trees],
        "commits": commits,
        "pull_request": text,
    }
    # Others may read it: with a key of its own nobody can try out what a placeholder stands for.
    masker = Masker(secrets.token_bytes(), secret_values(environment))
    masked: dict[str, Any] = _each_text(document, masker.text)
    return masked


def _commits(repository: Repository, session: Session) -> list[dict[str, str]]:
    """What was committed, oldest first."""
    if not session.head_commit or session.head_commit == session.base_commit:
        return []
    lines = repository.bare.text(
        "log",
        "--reverse",
        "--no-show-signature",
        "--format=%H %s",
        f"{session.base_commit}..{session.head_commit}",
    )
    return [
        {"commit": commit, "title": title}
        for commit, _, title in (line.partition(" ") for line in lines.splitlines())
    ]


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    match value:
        case str():
            return change(visible(value))
        case dict():
            return {name: _each_text(one, change) for name, one in value.items()}
        case list() | tuple():
            return [_each_text(one, change) for one in value]
    return value


def markdown(document: Mapping[str, Any]) -> str:
    """The document to be read."""
    return "\n".join(_lines(document)).rstrip() + "\n"


def _lines(document: Mapping[str, Any]) -> Iterator[str]:
    usage = document["usage"]
    unknown = "" if usage["cost_known"] else " and unknown prices"
    yield f"# {document['title']}"
    yield ""
    yield f"- session `{document['session']}`, {document['state']}, started {_time(document['started'])}"
    yield f"- model {document['model']}, {usage['requests']} requests, ${usage['cost_usd']:.2f}{unknown}"
    yield f"- branch `{document['branch']}`, head `{document['head'][:12]}`"
    if document["landed"]:
        yield f"- landed `{document['landed'][:12]}` on `{document['target']}`"
    if document["error"]:
        yield f"- ended with: {document['error']}"
    yield from _section("Goal", [document["goal"], *document["instructions"]])
    yield from _section("Assumptions", [f"- {one}" for one in document["assumptions"]])
    yield from _section("Plan", list(_plan(document["tasks"])))
    yield from _section("Decisions", [_decision(one) for one in document["decisions"]])
    yield from _section("Evidence", [_evidence(one) for one in document["evidence"]])
    commits = [f"- `{one['commit'][:12]}` {one['title']}" for one in document["commits"]]
    yield from _section("Commits", commits)
    yield from _section("Cost", [_cost(task) for task in document["tasks"]])
    if document["pull_request"]:
        yield from _section("Text for a pull request", [_fenced(document["pull_request"])])


def _section(title: str, lines: list[str]) -> Iterator[str]:
    if lines:
        yield ""
        yield f"## {title}"
        yield ""
        yield from lines


def _plan(tasks: list[dict[str, Any]]) -> Iterator[str]:
    for task in tasks:
        needs = f", after {', '.join(task['depends_on'])}" if task["depends_on"] else ""
        yield f"### {task['id']} {task['title']} ({task['state']}{needs})"
        yield ""
        for text in (task["description"], task["summary"], task["error"]):
            if text:
                yield from (text, "")
        for criterion in task["acceptance_criteria"]:
            yield f"- [{'x' if task['evidence'] == 'verified' else ' '}] {criterion['text']}"
        where = f" on tree `{task['tree'][:12]}`" if task["tree"] else ""
        yield f"- {task['evidence']}{where}"
        yield ""


def _decision(one: dict[str, Any]) -> str:
    decision = one["decision"]
    who = f"{one['task']} " if one["task"] else ""
    words = next((decision[name] for name in ("reason", "text", "choice") if decision[name]), "")
    line = f"- {who}{one['title']}: {one['state']} by {decision['actor']}, {_time(decision['at'])}"
    reasons = [
        f"  - hunk {hunk['hunk']}: {hunk['verdict']}{_why(hunk['reason'])}" for hunk in decision["hunks"]
    ]
    return "\n".join([line + _why(words), *reasons])


def _why(words: str) -> str:
    return f", {' '.join(words.split())!r}" if words else ""


def _evidence(one: dict[str, Any]) -> str:
    why = f", {one['why']}" if one["why"] else ""
    return f"- {one['check']} `{one['command']}` on `{one['tree'][:12]}`: {one['result']}{why}"


def _cost(task: dict[str, Any]) -> str:
    usage = task["usage"]
    known = "" if usage["cost_known"] else " and unknown prices"
    return f"- {task['id']} ${usage['cost_usd']:.4f}{known}, {usage['requests']} requests"


def _fenced(text: str) -> str:
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}markdown\n{text.rstrip()}\n{fence}"


def _time(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M")
