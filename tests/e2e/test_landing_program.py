"""Landing by the real program: only the change lands, the user's own stays, every refusal is a question."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.program import (
    CHECK,
    FIX,
    KNOWN_CHECK,
    NEW,
    SHOP,
    Program,
    agent,
    bug_fix,
    call,
    git,
    plan,
    reply,
    task,
)

LITTER = (
    "import pathlib\n\n\n"
    "def setUpModule():\n"
    "    for name in ('.coverage', 'report.xml', '.pytest_cache/v', 'x/__pycache__/x.pyc', 'shop/out.log'):\n"
    "        path = pathlib.Path(name)\n"
    "        path.parent.mkdir(parents=True, exist_ok=True)\n"
    "        path.write_text('left behind')\n\n\n"
)
LITTERED = {**SHOP, "tests/test_prices.py": LITTER + SHOP["tests/test_prices.py"], "README.md": "# shop\n"}


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path / "place", {**SHOP, "README.md": "# shop\n"}, settings=KNOWN_CHECK)


def ready(program: Program) -> None:
    """Bring the program to where only the land question is open."""
    with program.model(bug_fix()):
        done = program.run("full")
    assert done.code == 0, done.err
    assert program.only_question()["kind"] == "land"


def changed(program: Program, revision: str = "main") -> list[str]:
    """Paths in which a commit differs from its first parent."""
    return git(program.repository, "diff-tree", "-r", "--name-only", f"{revision}^", revision).splitlines()


def test_only_the_change_lands_and_the_users_own_stays(tmp_path: Path) -> None:
    """By-products of any check are in no commit; what was dirty, staged or untracked stays exactly."""
    program = Program(tmp_path / "place", LITTERED, settings=KNOWN_CHECK)
    checkout = program.repository
    (checkout / "README.md").write_text("# shop\n\nUnsaved.\n")
    (checkout / "staged.txt").write_text("staged\n")
    git(checkout, "add", "staged.txt")
    (checkout / "staged.txt").write_text("staged, then edited\n")
    (checkout / "untracked.txt").write_text("mine\n")
    (checkout / "shop/prices.py").write_text("half an idea of mine\n")
    mine = git(checkout, "status", "--porcelain")
    staged = git(checkout, "ls-files", "-s", "staged.txt")
    before = program.head()
    with program.model(bug_fix()):
        refused = program.run("full", "--land")
        assert refused.code == 3, refused.err
        [question] = refused.json["approvals"]
        assert (question["kind"], question["choices"]) == ("land", ["try again"])
        assert "shop/prices.py" in question["ask"]["why"]
        assert program.head() == before and refused.json["landed"] is None
        assert (checkout / "shop/prices.py").read_text() == "half an idea of mine\n"
        assert git(checkout, "status", "--porcelain") == mine

        # Still in the way: the same question stays, whatever was answered.
        assert program.answer(question, "--choice", "try again").code == 0
        again = program.resume()
        assert again.code == 3 and again.json["approvals"][0]["id"] != question["id"]
        assert program.head() == before

        git(checkout, "checkout", "--", "shop/prices.py")
        landed = program.resume()
    assert landed.code == 0, landed.err
    assert landed.json["approvals"] == []
    assert changed(program) == ["shop/prices.py"]
    everything = git(checkout, "log", "--all", "--name-only", "--format=").split()
    assert not [path for path in everything if "report" in path or ".coverage" in path or "out.log" in path]
    assert not [path for path in everything if "pycache" in path or "pytest_cache" in path]
    assert NEW in (checkout / "shop/prices.py").read_text()
    assert (checkout / "README.md").read_text() == "# shop\n\nUnsaved.\n"
    assert (checkout / "staged.txt").read_text() == "staged, then edited\n"
    assert (checkout / "untracked.txt").read_text() == "mine\n"
    assert git(checkout, "ls-files", "-s", "staged.txt") == staged
    own = [line for line in mine.splitlines() if "prices.py" not in line]
    assert git(checkout, "status", "--porcelain").splitlines() == own
    assert git(checkout, "stash", "list") == ""


def test_a_refused_landing_keeps_the_yes_that_was_given(program: Program) -> None:
    """The file in the way is dealt with; who said yes to this very landing is not asked twice."""
    ready(program)
    (program.repository / "shop/prices.py").write_text("mine\n")
    before = program.head()
    refused = program("land", "--json")
    assert refused.code == 3 and program.head() == before
    git(program.repository, "checkout", "--", "shop/prices.py")
    landed = program.resume()
    assert landed.code == 0 and landed.json["landed"] == program.head() != before
    assert landed.json["approvals"] == []
    program.clean()


def test_a_target_that_moved_gets_a_checked_merge(program: Program) -> None:
    ready(program)
    old = program.only_question()
    (program.repository / "README.md").write_text("# The shop\n")
    git(program.repository, "commit", "-qam", "docs: a better title")
    moved = program.head()
    stale = program("land", "--hash", old["hash"], "--json")
    assert stale.code == 3 and "moved" in stale.json["error"]
    assert program.head() == moved

    redrawn = program.resume()
    assert redrawn.code == 0, redrawn.err
    question = program.only_question()
    assert question["hash"] != old["hash"] and question["ask"]["mode"] == "merge"
    assert program("land", "--hash", old["hash"]).code == 2
    landed = program("land", "--hash", question["hash"], "--json")
    assert landed.code == 0, landed.err
    parents = git(program.repository, "log", "-1", "--format=%P", "main").split()
    assert parents == [moved, landed.json["head"]]
    tree = git(program.repository, "rev-parse", "main^{tree}")
    with program.state() as state:
        evidence = [one for one in state.all("evidence") if one["tree"] == tree]
    assert [one["result"] for one in evidence if one["kind"] == "behaviour"] == ["passed"]
    assert (program.repository / "README.md").read_text() == "# The shop\n"
    program.clean()


def test_a_red_merge_with_a_target_that_moved_does_not_land(program: Program) -> None:
    ready(program)
    (program.repository / "shop/__init__.py").write_text("raise RuntimeError('broken meanwhile')\n")
    git(program.repository, "commit", "-qam", "feat: break everything")
    moved = program.head()
    red = program.resume("--land")
    assert red.code == 1 and "red" in red.json["error"]
    assert program.head() == moved
    assert program("land").code == 3


def test_a_failing_hook_is_a_question_with_its_output(program: Program) -> None:
    hook = program.repository / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'first words of the hook'\necho 'no prices on Fridays' >&2\nexit 3\n")
    hook.chmod(0o755)
    before = program.head()
    with program.model(bug_fix()):
        refused = program.run("full", "--land")
        assert refused.code == 3, refused.err
        [question] = refused.json["approvals"]
        assert question["kind"] == "land"
        assert "first words of the hook" in str(question["ask"])
        assert "no prices on Fridays" in str(question["ask"])
        assert program.head() == before
        assert git(program.repository, "status", "--porcelain") == ""
        hook.write_text("#!/bin/sh\nexit 0\n")
        landed = program.resume()
    assert landed.code == 0, landed.err
    assert landed.json["landed"] == program.head() != before
    program.clean()


def test_a_branch_that_is_checked_out_nowhere_just_moves(program: Program) -> None:
    ready(program)
    before = program.head()
    git(program.repository, "switch", "-q", "-c", "elsewhere")
    (program.repository / "shop/prices.py").write_text("mine\n")
    landed = program("land", "--json")
    assert landed.code == 0, landed.err
    assert landed.json["landed"] == program.head("main") != before
    assert program.head("elsewhere") == before
    assert (program.repository / "shop/prices.py").read_text() == "mine\n"
    git(program.repository, "checkout", "-q", "--", "shop/prices.py")
    program.clean()


def test_what_an_agents_check_leaves_is_never_shown_nor_asked(tmp_path: Path) -> None:
    """At collaborative the question shows the change alone, and its answer is not stale because of litter."""
    program = Program(tmp_path / "place", LITTERED, settings=KNOWN_CHECK)
    script = {
        "conversations": [
            plan(task("fix", "Fix the discount")),
            agent("task T1", *FIX[:3], reply(call("run_command", command=CHECK)), FIX[3]),
        ]
    }
    with program.model(script):
        assert program.approve(program.run("collaborative").json["approvals"][0]).code == 0
        result = program.resume()
        [question] = result.json["approvals"]
        assert [file["path"] for file in question["ask"]["files"]] == ["shop/prices.py"]
        approved = program.approve(question)
        assert approved.code == 0, approved.err
        assert program.resume().code == 0
    assert program("land").code == 0
    assert changed(program) == ["shop/prices.py"]
    program.clean()
