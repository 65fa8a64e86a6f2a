"""What the recorded model says: the plan, and what each agent changes and answers.

`recording.jsonl` is made of it; after a change: `python -m autodev_tui.demo.writing`. Most changes that an
agent proposes have a second wording, for when the human rejects the hunk, or says something about it.
"""

from __future__ import annotations

from typing import NamedTuple

from autodev_tui.demo.place import CHECK_COMMANDS

GOAL = "Fix the late fees, list what is overdue, and tidy up what ruff finds."
TESTS, LINT = CHECK_COMMANDS["unittest"], CHECK_COMMANDS["ruff"]


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
