"""update_todos, finish and submit_plan: words only, checked and handed on as data. Sync, pure."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

from autodev_tui.policy.paths import protected
from autodev_tui.tools.arguments import MAX_TASKS, Arguments, Finish, PlannedTask, SubmitPlan, UpdateTodos
from autodev_tui.tools.base import ToolProblem, ToolResult, shown

MAX_TODOS = 50
_SHOWN_PROBLEMS = 5


def run(name: str, args: Arguments) -> ToolResult | ToolProblem:
    """The result of a call that changes nothing but what is known of the task."""
    match args:
        case UpdateTodos():
            return update_todos(args)
        case Finish():
            return ToolResult("finished", data=args.model_dump(exclude_defaults=True))
        case SubmitPlan():
            return submit_plan(args)
        case _:
            raise TypeError(f"{name} is no talking tool")


def update_todos(args: UpdateTodos) -> ToolResult | ToolProblem:
    """The list as data `todos`: content and status each."""
    if len(args.todos) > MAX_TODOS:
        return ToolProblem(f"update_todos: {len(args.todos)} items, the limit is {MAX_TODOS}")
    active = [todo.content for todo in args.todos if todo.status == "in_progress"]
    if len(active) > 1:
        return ToolProblem(f"update_todos: {len(active)} items are in_progress; at most one may be")
    done = sum(todo.status == "completed" for todo in args.todos)
    now = f", now: {active[0]}" if active else ""
    return ToolResult(
        f"{done} of {len(args.todos)} done{now}", data={"todos": [todo.model_dump() for todo in args.todos]}
    )


def submit_plan(args: SubmitPlan) -> ToolResult | ToolProblem:
    """The plan as data `tasks`, if it is one: 1 to MAX_TASKS tasks, known dependencies, no circle."""
    problems = plan_problems(args.tasks)
    if problems:
        more = f" (and {len(problems) - _SHOWN_PROBLEMS} more)" if len(problems) > _SHOWN_PROBLEMS else ""
        return ToolProblem(f"submit_plan: {'; '.join(problems[:_SHOWN_PROBLEMS])}{more}")
    tasks = [task.model_dump() for task in args.tasks]
    return ToolResult(f"plan with {len(tasks)} tasks handed in", data={"tasks": tasks})


def plan_problems(tasks: list[PlannedTask]) -> list[str]:
    """What is wrong with a plan, in words; empty when nothing is."""
    if not tasks:
        return ["the plan has no tasks"]
    if len(tasks) > MAX_TASKS:
        return [f"{len(tasks)} tasks, the limit is {MAX_TASKS}; put small ones together"]
    problems: list[str] = []
    ids = [task.id for task in tasks]
    problems += [
        f"id {twice!r} is used {ids.count(twice)} times"
        for twice in dict.fromkeys(ids)
        if ids.count(twice) > 1
    ]
    for task in tasks:
        problems += [
            f"{task.id} depends on {other!r}, which is no task"
            for other in task.depends_on
            if other not in ids
        ]
        for path in task.files:
            parts = path.split("/")
            if path.startswith("/") or ".." in parts or protected(parts) or not path.strip():
                problems.append(
                    f"{task.id}: {shown(path)!r} is no path inside the repository that may be changed"
                )
    if not problems:
        try:
            TopologicalSorter({task.id: task.depends_on for task in tasks}).prepare()
        except CycleError as error:
            problems.append(f"the dependencies go in a circle: {' → '.join(reversed(error.args[1]))}")
    return problems
