"""The planner under `rules`: a goal in words becomes tasks, each with the rule that can do it."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from autodev_tui.domain.rule import API_DOCS, CHANGELOG, HEAL, NEEDS_A_MODEL, needs_model, with_rule
from autodev_tui.planning import wording
from autodev_tui.planning.action_items import parse
from autodev_tui.planning.gathering import guard
from autodev_tui.planning.items import ActionItem
from autodev_tui.policy.paths import protected
from autodev_tui.quality.own_ruff import own_ruff
from autodev_tui.rules.guards import SAYS, parsed
from autodev_tui.rules.narrowing import narrowed, with_places
from autodev_tui.rules.recognising import Part, parts_of
from autodev_tui.rules.work import CannotGoOn, Done, Job, Move
from autodev_tui.tools.arguments import MAX_TASKS

Planned = dict[str, Any]
REJECTED = re.compile(
    r"The human rejected the plan\. Their words: (?P<words>.*)\nHand in another one\.", re.DOTALL
)
TITLE = 200
_WORD = re.compile(r"[^\W\d]\w*|\d{2,}")
_CRITERIA = {
    HEAL: (
        "The checks that were red and that rules can heal pass",
        "No test is weakened, and none is red that was not before",
        "What no rule can heal is as it was, and is named",
    ),
    CHANGELOG: (
        "Every commit since the last version or entry is in the changelog",
        "The text outside the markers is as it was",
        "A second run changes nothing",
    ),
    API_DOCS: (
        "The documented signatures are those of the source",
        "The text outside the markers is as it was",
        "A second run changes nothing",
    ),
    NEEDS_A_MODEL: ("The repository's checks pass",),
}
ORDER = frozenset(("then", "and", "finally", "first", "tapos", "una", "Then", "First", "Finally", "Una"))
"""What is said by the order of the tasks as well."""
_RED = re.compile(
    r"^(?!otherwise|unless|maliban).*\b(?:fail\w*|red|broken|break\w*|errors?|sira|bagsak|bumagsak|bumabagsak)\b",
    re.IGNORECASE,
)
_REPAIRED = re.compile(
    r"\b(?:fix|heal|repair|mend|ayusin|i-?fix)(?:\s+(?:it|them|that|those|this|agad|ito|iyon|muna|na))*[\s.!,]*$",
    re.IGNORECASE,
)
_RISK = {HEAL: 0.2, CHANGELOG: 0.1, API_DOCS: 0.1, NEEDS_A_MODEL: 0.5}
_MINUTES = {HEAL: 5.0, CHANGELOG: 1.0, API_DOCS: 2.0}
"""Rules are quick; what needs a model takes what its words say."""


def work(job: Job, done: Sequence[Done]) -> Move:
    """Hand in the plan for the goal, which is the job's title; words of the human since then count too."""
    if done and done[-1].failed:
        raise CannotGoOn(f"the plan that rules made was refused: {done[-1].result[:300]}")
    goal = _goal(job)
    known = _paths(job)
    tasks = plan(goal, known, formatter=formatter_of(job.worktree, known))
    by_rules = sum(not needs_model(task["description"]) for task in tasks)
    rest = len(tasks) - by_rules
    needs = f"{_count(rest)} {'needs' if rest == 1 else 'need'} a model"
    can = f"{_count(by_rules)} can be done by rules"
    said = [part for part, number in ((can, by_rules), (needs, rest)) if number]
    return Move(f"Planned by rules: {', '.join(said)}.", [("submit_plan", {"tasks": tasks})])


def plan(goal: str, known: Collection[str], *, rules: bool = True, formatter: str = "") -> list[Planned]:
    """The tasks of a goal as `submit_plan` takes them; without `rules` none names one.

    `formatter` is the command that says what is not formatted.
    """
    items = parse(goal, known)
    if not items.items:
        return [_whole(goal, rules)]
    by_id = {item.id: item for item in items.items}
    # An urgent one, with all that it needs, begins first.
    return _together(_tasks([by_id[one] for one in items.order], known, rules, formatter), rules)


def _tasks(items: Iterable[ActionItem], known: Collection[str], rules: bool, formatter: str) -> list[Planned]:
    tasks: list[Planned] = []
    made: dict[str, list[str]] = {}
    """The tasks that each item became."""
    healing = ""
    for item in items:
        parts = _parts(item, formatter, known) if rules else [Part(item.title, NEEDS_A_MODEL)]
        made[item.id] = []
        for part in parts:
            name = f"T{len(tasks) + 1}"
            needs = [one for other in item.depends_on for one in made[other]]
            if item.ordered_by == "number" and not needs_model(f"rule: {part.rule}"):
                # A number alone does not make what rules can do now wait for a model.
                needs = [one for one in needs if not needs_model(tasks[int(one[1:]) - 1]["description"])]
            if part.rule.startswith(HEAL):
                # One after the other: each heals what is still red.
                needs += [healing] if healing and healing not in needs else []
                healing = name
            tasks.append(_task(name, item, part, needs, len(parts) > 1, rules))
            made[item.id].append(name)
    return tasks


def _parts(item: ActionItem, formatter: str, known: Collection[str]) -> list[Part]:
    """By what rules can do. A condition that no check decides needs somebody who understands it."""
    whole = len(item.title) > 3 and not item.title.endswith("…")
    if not item.condition:
        parts = with_places(parts_of(item.title if whole else item.text, formatter), known)
        healed = [part.rule == HEAL or part.rule == f"{HEAL} {formatter}" for part in parts]
        return [
            Part(part.title, narrowed(part.title, part.rule, known)) if heals else part
            for part, heals in zip(parts, healed, strict=True)
        ]
    parts = parts_of(_then(item.title), formatter)
    if parsed(item.condition) and all(part.rule in (CHANGELOG, API_DOCS) for part in parts):
        return parts if len(parts) > 1 else [Part(item.title, parts[0].rule)]
    repaired = all(part.rule.startswith(HEAL) for part in parts) or bool(_REPAIRED.search(item.title))
    # Where nothing is red healing does nothing: so this condition decides itself.
    return [Part(item.title, HEAL if repaired and _RED.search(item.condition) else NEEDS_A_MODEL)]


def _then(title: str) -> str:
    """What is to be done if the condition in the title holds."""
    if wording.CONDITION.match(title):
        return guard(title)[1] or title
    trailing = wording.TRAILING.search(title)
    return title[: trailing.start()] if trailing else title


def _task(name: str, item: ActionItem, part: Part, needs: list[str], split: bool, rules: bool) -> Planned:
    kind = next((one for one in (HEAL, CHANGELOG, API_DOCS) if part.rule.startswith(one)), NEEDS_A_MODEL)
    criteria = item.acceptance_criteria[:8]
    return {
        "id": name,
        "title": _short(part.title if split else item.title),
        "description": _description(item, part, split, rules),
        "depends_on": needs,
        "acceptance_criteria": [*criteria, *_CRITERIA[kind]],
        "files": [path for path in item.files if _inside(path)],
        "estimate_minutes": _MINUTES.get(kind, float(item.estimate_minutes)),
        "risk": _RISK[kind],
    }


def _description(item: ActionItem, part: Part, split: bool, rules: bool) -> str:
    title = part.title if split else item.title
    told = set(_WORD.findall(item.text)) <= {*_WORD.findall(title), *ORDER}
    lines = [] if told else [item.text.strip()]
    if item.context and item.context not in item.text:
        lines.append(f"It stands under: {item.context}")
    if item.condition:
        lines.append(f"{SAYS}{item.condition}")
    if item.priority != "P2":
        lines.append(f"Priority {item.priority}")
    if item.subtasks and (not rules or part.rule == NEEDS_A_MODEL):
        lines.append("\n".join(["Steps:", *(f"- {one}" for one in item.subtasks)]))
    text = "\n\n".join(lines)
    return with_rule(text, part.rule) if rules else text


def _together(tasks: list[Planned], rules: bool) -> list[Planned]:
    """No more tasks than a plan may have: the last ones become one, with all their words."""
    if len(tasks) <= MAX_TASKS:
        return tasks
    kept, rest = tasks[: MAX_TASKS - 1], tasks[MAX_TASKS - 1 :]
    names = {task["id"] for task in kept}
    lines = [f"{task['title']}\n{_without_rule(task['description'])}".strip() for task in rest]
    description = "\n\n".join(lines)
    last = {
        "id": f"T{MAX_TASKS}",
        "title": f"{len(rest)} more tasks of the goal",
        "description": with_rule(description, NEEDS_A_MODEL) if rules else description,
        "depends_on": sorted({one for task in rest for one in task["depends_on"] if one in names}),
        "acceptance_criteria": list(_CRITERIA[NEEDS_A_MODEL]),
        "estimate_minutes": min(10_000, sum(task["estimate_minutes"] for task in rest)),
    }
    return [*kept, last]


def _without_rule(description: str) -> str:
    return re.sub(r"\n*rule: [^\n]*$", "", description)


def _whole(goal: str, rules: bool) -> Planned:
    title = _short(" ".join(goal.split())) or "the goal"
    description = with_rule(goal, NEEDS_A_MODEL) if rules else goal
    return {"id": "T1", "title": title, "description": description}


def _goal(job: Job) -> str:
    """The goal with its requirements; what the human said to the planner is added, or replaces it."""
    goal = "\n\n".join(part for part in (job.title, job.description) if part.strip())
    for note in job.notes:
        rejected = REJECTED.search(note)
        if not rejected:
            goal = f"{goal}\n\n{note}"
        elif any(wording.asks(line) for line in rejected["words"].splitlines()):
            goal = rejected["words"]
        else:
            raise CannotGoOn(
                "rules cannot change a plan by these words · say what shall be done instead, edit the plan,"
                " or go on with a model: autodev resume --model PROVIDER/MODEL"
            )
    return goal


def _short(title: str) -> str:
    title = " ".join(title.split())
    return title if len(title) <= TITLE else f"{title[: TITLE - 1].rpartition(' ')[0] or title[: TITLE - 1]}…"


def _inside(path: str) -> bool:
    parts = path.split("/")
    return not path.startswith("/") and ".." not in parts and not protected(parts)


def formatter_of(worktree: Path, known: Collection[str]) -> str:
    """How the repository's Python is looked at for its format; "" where there is none. Sync: reads a file."""
    if not any(path.endswith((".py", ".pyi")) for path in known):
        return ""
    try:
        text = (worktree / "pyproject.toml").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    black = "[tool.black]" in text and "[tool.ruff.format]" not in text
    if black:
        return "black --check ."
    own = "" if shutil.which("ruff") else own_ruff()
    return f"{shlex.quote(own) if own else 'ruff'} format --check ."


def _paths(job: Job) -> frozenset[str]:
    from autodev_tui.vcs.listing import listed_paths

    return frozenset(listed_paths(job.repository, job.worktree)) if job.repository else frozenset()


def _count(number: int) -> str:
    return f"{number} task{'' if number == 1 else 's'}"
