"""The recorded model's words: what `recording.jsonl` is made of.

After a change: `python -m autodev_tui.demo.script`. Most changes that an agent proposes have a second
wording, for when the human rejects the hunk, or says something about it.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import Any, NamedTuple

from autodev_tui.demo.place import CHECK_COMMANDS, RECORDING
from autodev_tui.demo.repository import text_of
from autodev_tui.engine.told import MARK
from autodev_tui.vcs.diff import fingerprint

GOAL = "Fix the late fees, list what is overdue, and tidy up what ruff finds."
PACE = 160
"""Characters a second: as quick as a quick model."""
TESTS, LINT = CHECK_COMMANDS["unittest"], CHECK_COMMANDS["ruff"]
SPARE = 6
"""So often an agent can be spoken to after it has finished."""


class Change(NamedTuple):
    """One hunk: `new` in the place of `old`, or `other`, where there is one, when that is not wanted."""

    path: str
    old: str
    new: str
    other: str = ""


class Job(NamedTuple):
    """One task, with what its agent says before, while and after it changes something."""

    id: str
    title: str
    description: str
    criteria: tuple[str, ...]
    minutes: int
    thinks: str
    look: str
    reads: tuple[str, ...]
    command: str
    says: str
    changes: tuple[Change, ...]
    summary: str

    @property
    def files(self) -> list[str]:
        """What it changes."""
        return list(dict.fromkeys(one.path for one in self.changes))


FEES = Job(
    "fees",
    "Put the late fees right",
    "A fee has no upper end, an early return counts below zero, and half a fee is no whole number of cents.",
    (
        "a fee is never more than the tool is worth",
        "a tool that comes back early costs nothing",
        "every fee is a whole number of cents",
    ),
    10,
    "",
    "One test is red. I read the fees and look at how it fails.",
    ("toolshed/fees.py", "tests/test_fees.py"),
    TESTS,
    "`late_fee` has no upper end: that is the red test. Three more places do not do what their docstring "
    "says, so I put them right as well.",
    (
        Change(
            "toolshed/fees.py",
            "    return (today - due).days\n",
            "    return max((today - due).days, 0)\n",
            "    late = (today - due).days\n    return late if late > 0 else 0\n",
        ),
        Change(
            "toolshed/fees.py",
            "    return RATE * days_late(due, today)\n",
            "    return min(RATE * days_late(due, today), tool.value)\n",
            "    fee = RATE * days_late(due, today)\n    return fee if fee < tool.value else tool.value\n",
        ),
        Change(
            "toolshed/fees.py",
            "    if years > LOYAL_YEARS:\n        return fee / 2\n    return fee\n",
            "    if years >= LOYAL_YEARS:\n        return fee // 2\n    return fee\n",
            "    loyal = years >= LOYAL_YEARS\n    return fee // 2 if loyal else fee\n",
        ),
        Change(
            "toolshed/fees.py",
            '    return f"{tool.name}: {fee} cents"\n',
            '    return f"{tool.name}: {fee // 100}.{fee % 100:02}"\n',
            '    return f"{tool.name}: {fee / 100:.2f}"\n',
        ),
    ),
    "Fees end at the tool's value, early is free, half a fee is whole cents, receipts have two digits.",
)

_OUT = '    return "\\n".join(rows) if rows else "everything is here"\n'
_LIST = "    python3 -m toolshed books.json list\n"
OVERDUE = Job(
    "overdue",
    "List what is overdue",
    "`list --overdue` shows the loans that should be back, each with how many days it is late.",
    (
        "a loan that was due before today is listed with its days",
        "one that is due today is not listed",
        "an empty list says so",
    ),
    15,
    "The door list is made in report.py, from a ledger that is in the order of the days when things are due. "
    "What is overdue are its first rows. A loan that is due today is not late yet.",
    "I look at how the list for the door is made, and where the command line calls it.",
    ("toolshed/report.py", "toolshed/cli.py", "README.md"),
    TESTS,
    "The ledger is in order already: a list of what is overdue is one function, with an example that is run "
    "as a test, and one option.",
    (
        Change(
            "toolshed/report.py",
            _OUT,
            _OUT + "\n\ndef overdue(ledger, today):\n"
            '    """What should be back by `today`, each with the days that it is late.\n\n'
            "    >>> print(overdue(LEDGER, date(2026, 3, 9)))\n"
            "    04.03.2026  drill          jun       5 days\n"
            "    >>> print(overdue(Ledger(), date(2026, 3, 9)))\n"
            "    nothing is overdue\n"
            '    """\n'
            "    late = [(loan, (today - loan.due).days) for loan in ledger if loan.due < today]\n"
            '    rows = [f"{row(loan):<36} {days} days" for loan, days in late]\n'
            '    return "\\n".join(rows) if rows else "nothing is overdue"\n',
            _OUT + "\n\ndef overdue(ledger, today):\n"
            '    """What should be back by `today`, the one that is out longest on top.\n\n'
            "    >>> print(overdue(LEDGER, date(2026, 3, 9)))\n"
            "    04.03.2026  drill          jun       5 days\n"
            '    """\n'
            "    rows = []\n"
            "    for loan in ledger:\n"
            "        days = (today - loan.due).days\n"
            "        if days > 0:\n"
            '            rows.append(f"{row(loan):<36} {days} days")\n'
            '    return "\\n".join(rows) or "nothing is overdue"\n',
        ),
        Change(
            "toolshed/cli.py",
            "    else:\n        print(report.out(ledger))\n",
            "    elif given.overdue:\n        print(report.overdue(ledger, date.today()))\n"
            "    else:\n        print(report.out(ledger))\n",
            "    else:\n"
            "        late = given.overdue\n"
            "        print(report.overdue(ledger, date.today()) if late else report.out(ledger))\n",
        ),
        Change(
            "toolshed/cli.py",
            '    commands.add_parser("list", help="show what is out")\n',
            '    shown = commands.add_parser("list", help="show what is out")\n'
            '    shown.add_argument("--overdue", action="store_true", help="only what is late")\n',
            '    what = commands.add_parser("list", help="show what is out, or only what is late")\n'
            '    what.add_argument("-o", "--overdue", action="store_true")\n',
        ),
        Change(
            "README.md",
            _LIST,
            _LIST + "    python3 -m toolshed books.json list --overdue\n",
            _LIST + "    python3 -m toolshed books.json list --overdue   # with the days\n",
        ),
    ),
    "`list --overdue` shows what is late and for how long; an example in the code is its test.",
)

TIDY = Job(
    "tidy",
    "Tidy up what ruff finds",
    "Imports that nobody uses, a comparison to None by value, a name that is bound and never read.",
    ("ruff check finds nothing",),
    5,
    "Tidying must not change what the code does, so every finding is read before it is fixed. An import "
    "can be there for its side effect, a comparison for a class with its own __eq__. Neither is likely here, "
    "but looking costs nothing. The tests belong to somebody else's task and are left alone.",
    "I let ruff say what it finds.",
    ("toolshed/catalogue.py", "toolshed/storage.py"),
    LINT,
    "Five findings in two files, and none of them changes what the code does.",
    (
        Change(
            "toolshed/catalogue.py",
            "from dataclasses import dataclass\nimport os\n",
            "from dataclasses import dataclass\n",
        ),
        Change(
            "toolshed/catalogue.py",
            "        if tool == None:\n",
            "        if tool is None:\n",
            "        if not tool:\n",
        ),
        Change("toolshed/storage.py", "import json\nimport sys\n", "import json\n"),
        Change(
            "toolshed/storage.py",
            "    except FileNotFoundError as error:\n",
            "    except FileNotFoundError:\n",
        ),
    ),
    "ruff finds nothing any more.",
)
JOBS = (FEES, OVERDUE, TIDY)
SHORT = JOBS[:2]
"""The second plan: for who does not want the first."""
FULL_AFTER: list[list[str] | None] = [[], ["reject", "reject"]]
"""After these decisions on plans the first one holds: a third task is then the recorded one, no other."""

Reply = dict[str, Any]
Call = dict[str, Any]


def entries() -> Iterator[Reply]:
    """All replies, as they stand in the recording."""
    yield from _planner()
    for number, job in enumerate(JOBS, 1):
        for plan in [None] if job in SHORT else FULL_AFTER:
            for reply in _agent(f"T{number}", job):
                yield reply if plan is None else {**reply, "plan": plan}


def _planner() -> Iterator[Reply]:
    looks = [
        _call("read_file", path=path) for path in ("README.md", "toolshed/fees.py", "tests/test_fees.py")
    ]
    yield _reply(
        None, 1, "I read what is there before I plan.", _call("list_files"), *looks, thinking=_THINKING
    )
    yield _reply(
        None,
        2,
        "The fees, the list and the tidying touch different files: three agents can work side by side.",
        _plan(JOBS),
    )
    for turn in range(3, 3 + SPARE):
        words = "Other words for the planner are not recorded. This is the same plan."
        yield _reply(None, turn, words, _plan(JOBS))
    for turn in range(1, 1 + SPARE):
        yield _reply(None, turn, "Then only the two that matter.", _plan(SHORT), decision="reject")
        yield _reply(
            None,
            turn,
            "There are two plans on this recording. Here is the first one again.",
            _plan(JOBS),
            decision="reject",
            earlier=["reject"],
        )


_THINKING = "The goal names three things. Do they meet anywhere? Which files would each of them change?"


def _plan(jobs: Iterable[Job]) -> Call:
    tasks = [
        {
            "id": job.id,
            "title": job.title,
            "description": job.description,
            "acceptance_criteria": list(job.criteria),
            "files": job.files,
            "estimate_minutes": job.minutes,
            "risk": "low",
        }
        for job in jobs
    ]
    return _call("submit_plan", tasks=tasks)


def _agent(task: str, job: Job) -> Iterator[Reply]:
    edits = [_edit(one.path, one.old, one.new) for one in job.changes]
    run, done = _call("run_command", command=job.command), _call("finish", summary=job.summary)
    reads = (_call("read_file", path=path) for path in job.reads)
    yield _reply(task, 1, job.look, *reads, **({"thinking": job.thinks} if job.thinks else {}))
    yield _reply(task, 2, "", run)
    yield _reply(task, 3, job.says, *edits)
    yield _reply(task, 4, "", run)
    yield _reply(task, 5, "", done)
    yield from _spare(task, 6, done)
    for decision in ("edit", "reject"):
        # Of a command: it was not run, or another one was. The engine's own checks run all the same.
        of: dict[str, Any] = {"decision": decision, "hunks": []}
        yield _reply(task, 1, "Then without that command.", *edits, **of)
        yield _reply(task, 2, "", done, **of)
        yield from _spare(task, 3, done, **of)
    for decision in _decisions():
        yield from _second(task, job, run, decision)


def _decisions() -> Iterator[str]:
    """Every decision after which an agent goes on."""
    for count in (1, 2, 3):
        for words in combinations(("comment", "edit", "reject"), count):
            yield "+".join(words)


def _second(task: str, job: Job, run: Call, decision: str) -> Iterator[Reply]:
    """After a review: another wording of what was rejected or commented, and of nothing else."""
    instead = [
        {**_edit(one.path, found, one.other), "only": f"{verdict} {_mark(one)}"}
        for one in job.changes
        if one.other
        for verdict, found in (("reject", one.old), ("comment", one.new))
    ]
    summary = "I followed the review. Where I have no other proposal, the code stays as it was."
    done = _call("finish", summary=summary)
    reads = (_call("read_file", path=path) for path in job.files)
    yield _reply(task, 1, "I read it again, with your words in mind.", *reads, decision=decision)
    yield _reply(task, 2, "This is how it can be done otherwise.", *instead, run, decision=decision)
    yield _reply(task, 3, "", done, decision=decision)
    yield from _spare(task, 4, done, decision=decision)


def _spare(task: str, first: int, done: Call, **key: Any) -> Iterator[Reply]:
    """For words that are sent after the end, and for checks that a decision turned red."""
    words = "More is not recorded here: my work stands as it is."
    for turn in range(first, first + SPARE):
        yield _reply(task, turn, words, done, **key)


def _reply(task: str | None, turn: int, text: str, *calls: Call, **key: Any) -> Reply:
    of = {"role": "development", "task": task} if task else {"role": "planning"}
    return {**of, "turn": turn, **key, **({"text": text} if text else {}), "calls": list(calls)}


def _call(tool: str, **arguments: Any) -> Call:
    return {"name": tool, "args": arguments}


def _edit(path: str, old: str, new: str) -> Call:
    return _call("edit_file", path=path, old_text=old, new_text=new)


def _mark(change: Change) -> str:
    """How the hunk that proposes this is known, whatever its number is."""
    before = text_of(change.path)
    if before.count(change.old) != 1:
        raise ValueError(f"{change.path} does not hold this once: {change.old!r}")
    after = before.replace(change.old, change.new)
    lines = difflib.unified_diff(before.splitlines(True), after.splitlines(True))
    return fingerprint(change.path, [one for one in lines if not one.startswith(("---", "+++", "@@"))])[:MARK]


def recording() -> str:
    """The whole file."""
    header = {"autodev_recording": 1, "goal": GOAL, "model": "", "pace": PACE}
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in (header, *entries()))


if __name__ == "__main__":
    RECORDING.write_text(recording(), encoding="utf-8")
    print(f"wrote {RECORDING}")
