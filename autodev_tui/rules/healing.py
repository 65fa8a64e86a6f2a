"""The worker of `rule: heal`: what is red is mended by rules, proven by the same check, or taken back.

It keeps nothing between turns. Each turn the whole course is gone through again from the calls so far: the
files as they were are those of the worktree with the edits taken back, and every answer is there already. So
a kill at any time costs nothing, and the same calls always follow from the same answers.
"""

from __future__ import annotations

from collections.abc import Sequence

from autodev_tui.quality.healing import edits
from autodev_tui.quality.healing.tree import Tree
from autodev_tui.rules.heal_report import Report
from autodev_tui.rules.heal_run import Course, changed_by
from autodev_tui.rules.work import Call, Done, Job, Move


def work(job: Job, done: Sequence[Done]) -> Move:
    """The next calls of the healing."""
    for place, one in enumerate(done):
        if one.name == "finish" and not one.failed:
            return _again(job, done[: place + 1])
    start = _before(Tree(job.worktree), done)
    if start is None:
        return _end("The files were changed by somebody else while they were healed, so it ends here.")
    course = Course(job, start).run()
    move = next(course)
    at = 0
    while at < len(done):
        answers = list(done[at : at + len(move.calls)])
        if [(one.name, dict(one.args)) for one in answers] != [(name, args) for name, args in move.calls]:
            return _end(
                "What was healed so far stays; the rest would go on from other files than it began with."
            )
        at += len(answers)
        move = course.send(answers)
    return move


def _before(tree: Tree, done: Sequence[Done]) -> Tree | None:
    """The worktree with all edits taken back; None when somebody else changed their places."""
    files: dict[str, bytes] = {}
    for one in reversed(done):
        path = changed_by(one)
        if not path:
            continue
        now = files.get(path, tree.read(path))
        then = (
            edits.undo(now, str(one.args["old_text"]), str(one.args["new_text"])) if now is not None else None
        )
        if then is None:
            return None
        files[path] = then
    return tree.with_files(files)


def _again(job: Job, done: Sequence[Done]) -> Move:
    """Called again after its end: the rules have said all they can, and take no words."""
    said = dict(done[-1].args)
    todos = next((one for one in reversed(done) if one.name == "update_todos" and not one.failed), None)
    why = (
        "The rules propose nothing else for what was sent back."
        if job.decision
        else "Nothing else can be done by rules."
    )
    calls: list[Call] = [("update_todos", dict(todos.args))] if todos else []
    return Move(why, [*calls, ("finish", said | {"summary": f"{why}\n\n{said.get('summary', '')}"})])


def _end(why: str) -> Move:
    return Move(why, Report.ended(why))
