"""What a user can get wrong: said in one line (what, where, what to do), with its code, and nothing lost."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from store.database import Database
from tests.fakes.program import (
    NEW,
    OLD,
    Program,
    Result,
    agent,
    bug_fix,
    call,
    git,
    make_repository,
    plan,
    reply,
    task,
)

pytestmark = pytest.mark.e2e

SESSION_KEYS = {
    "session",
    "state",
    "code",
    "branch",
    "head",
    "landed",
    "tasks",
    "approvals",
    "usage",
    "error",
}
PLAN_KEYS = {"session", "goal", "tasks", "error", "code"}
NOWHERE = "http://127.0.0.1:9"
GOAL = "Fix the discount"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """One program for everything that is refused before it begins; afterwards there is no trace of it."""
    program = Program(tmp_path_factory.mktemp("bad"))
    program.environment |= {
        "AUTODEV_SANDBOX": "none",
        "ANTHROPIC_API_KEY": "k",
        "ANTHROPIC_BASE_URL": NOWHERE,
    }
    before = git(program.repository, "for-each-ref"), git(program.repository, "status", "--porcelain")
    yield program
    assert (
        git(program.repository, "for-each-ref"),
        git(program.repository, "status", "--porcelain"),
    ) == before
    assert program.status()["session"] is None


def run(
    program: Program, *args: str, directory: Path | None = None, stdin: bytes = b"", **variables: str
) -> Result:
    """The program with other variables, directory or standard input."""
    done = subprocess.run(
        [*program.argv, "-C", str(directory or program.repository), *args],
        env={**program.env, **variables},
        input=stdin,
        capture_output=True,
        cwd=program.place,
        timeout=60,
        check=False,
    )
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


def refused(ended: Result, *words: str, code: int = 2, keys: set[str] = frozenset()) -> None:  # type: ignore[assignment]
    """It ended with the code, said these words, and printed its one document."""
    assert ended.code == code, ended
    assert "Traceback" not in ended.err and "internal error" not in ended.err, ended.err
    for word in words:
        assert word in ended.err, ended.err
    if keys or ended.out:
        document = json.loads(ended.out)
        assert keys <= set(document), document
        assert document["code"] == code
        assert document["error"] and document["error"] in ended.err.replace("\n", " ") + ended.err


# -- the place


def bare(path: Path) -> None:
    subprocess.run(["git", "init", "-q", "--bare", path], check=True)


def without_commits(path: Path) -> None:
    subprocess.run(["git", "init", "-q", path], check=True)


def without_identity(path: Path) -> None:
    make_repository(path)
    for key in ("user.name", "user.email"):
        git(path, "config", "--unset", key)


def detached(path: Path) -> None:
    git(make_repository(path), "checkout", "-q", "--detach")


def rebasing(path: Path) -> None:
    make_repository(path, {"a": "1\n"})
    git(path, "checkout", "-q", "-b", "other")
    (path / "a").write_text("2\n")
    git(path, "commit", "-qam", "2")
    git(path, "checkout", "-q", "main")
    (path / "a").write_text("3\n")
    git(path, "commit", "-qam", "3")
    git(path, "rebase", "other", check=False)
    assert (path / ".git/rebase-merge").exists()


PLACES = {
    "empty": (lambda path: path.mkdir(), ["not a git repository", "git init"], False),
    "missing": (lambda path: None, ["no such directory"], False),
    "bare": (bare, ["bare", "clone"], False),
    "without commits": (without_commits, ["no commits yet", "git commit --allow-empty"], True),
    "without identity": (
        without_identity,
        ["does not know who you are", "git config --global user.name"],
        True,
    ),
    "detached": (detached, ["detached HEAD", "git switch"], True),
    "rebasing": (rebasing, ["a rebase is in progress", "git rebase --continue or --abort"], True),
}


@pytest.mark.parametrize("name", PLACES)
def test_a_place_that_cannot_be_worked_in(program: Program, tmp_path: Path, name: str) -> None:
    make, words, can_look = PLACES[name]
    place = tmp_path / "place"
    make(place)
    ended = run(program, "run", GOAL, "--json", directory=place)
    refused(ended, *words, str(place), keys=SESSION_KEYS)
    looked = run(program, "status", "--json", directory=place)
    assert looked.code == (0 if can_look else 2), "looking is possible wherever there is something to look at"


def test_another_users_repository(program: Program, tmp_path: Path) -> None:
    place = make_repository(tmp_path / "theirs")
    # Git's own switch for this; who may give files away does so as well.
    variables = {"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"}
    if os.geteuid() == 0:
        shutil.chown(place, 65534)
        shutil.chown(place / ".git", 65534)
        variables = {}
    ended = run(program, "run", GOAL, "--json", directory=place, **variables)
    refused(ended, "belongs to another user", "safe.directory", str(place), keys=SESSION_KEYS)


def test_a_state_directory_that_cannot_be_written(program: Program) -> None:
    ended = run(program, "run", GOAL, "--json", AUTODEV_STATE_DIR="/proc/nowhere")
    refused(ended, "/proc/nowhere", code=5, keys=SESSION_KEYS)
    ended = run(program, "run", GOAL, "--json", AUTODEV_CONFIG_DIR="/proc/nowhere")
    refused(ended, "/proc/nowhere", "yours to write", code=5, keys=SESSION_KEYS)


def test_a_repository_on_a_read_only_disk(program: Program, tmp_path: Path) -> None:
    place = make_repository(tmp_path / "still")
    argv: tuple[str, ...] = program.argv
    if os.geteuid() == 0:
        # Permissions do not bind root; a read-only mount does.
        argv = (
            "unshare",
            "-m",
            "sh",
            "-c",
            f'mount --bind -o ro "{place}" "{place}" && exec "$@"',
            "sh",
            *argv,
        )
    else:
        for folder in (place / ".git", place / ".git/objects", place / ".git/refs"):
            folder.chmod(0o500)
    done = subprocess.run(
        [*argv, "-C", str(place), "run", GOAL, "--json"],
        env=program.env,
        capture_output=True,
        text=True,
        check=False,
    )
    for folder in (place / ".git", place / ".git/objects", place / ".git/refs"):
        folder.chmod(0o700)
    refused(Result(done.returncode, done.stdout, done.stderr), "written", str(place), keys=SESSION_KEYS)


# -- names, values, keys


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", GOAL, "--autonomy", "guidd"], ["'guidd' is none of", "did you mean guided"]),
        (["run", GOAL, "--budget", "nan"], ["--budget", "'nan' is no number above 0"]),
        (["run", GOAL, "--budget", "inf"], ["'inf' is no number above 0"]),
        (["run", GOAL, "--budget", "0"], ["'0' is no number above 0"]),
        (["run", GOAL, "--budget", "a lot"], ["'a lot' is no number above 0"]),
        (["run", GOAL, "--timeout", "-3"], ["--timeout", "'-3' is no number above 0"]),
        (["run", GOAL, "--timeout", "nan"], ["'nan' is no number above 0"]),
        (["run", GOAL, "--model", "claude-opus-5-5"], ["did you mean anthropic/claude-opus-5-5"]),
        (["run", GOAL, "--model", "antropic/claude-opus-5-5"], ["did you mean anthropic/claude-opus-5-5"]),
        (["run", GOAL, "--plan", "s1"], ["exclude each other"]),
        (["run", "--plan", "s1"], ["s1 is no session", "known: none"]),
        (["run"], ["no goal", 'autodev run "GOAL"']),
        (["run", ""], ["the goal is empty"]),
        (["run", " \n\t"], ["the goal is empty"]),
        (["run", "x" * 100_001], ["more than 100,000 characters", "--requirements"]),
        (["run", os.fsdecode(b"fix \xff it")], ["not UTF-8"]),
        (["run", GOAL, "--jsn"], ["--jsn", "--json"]),
        (["resume"], ["no session in this repository yet", "autodev run"]),
        (["resume", "s1"], ["s1 is no session"]),
        (["show", "s1"], ["s1 is no session"]),
        (["status", "s1"], ["s1 is no session"]),
        (["land"], ["no session in this repository yet"]),
    ],
    ids=lambda value: " ".join(value)[:50] if value and value[0].islower() else "",
)
def test_a_wrong_word_for_a_session(program: Program, arguments: list[str], words: list[str]) -> None:
    refused(run(program, *arguments, "--json"), *words, keys=SESSION_KEYS)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["rnu", GOAL], ["no command 'rnu'", "did you mean run"]),
        (["worktree", "lst"], ["no command 'lst'", "did you mean list"]),
        (["worktree", "remove", "w"], ["no worktree w", "there: none"]),
        (["approve", "a1", "--hash", "0" * 64], ["a1 is no question", "waiting: none"]),
        (["approve", "a1"], ["--hash"]),
        (["answer", "a1", "--hash", "0" * 64], ["either --choice or --text"]),
        (["trust", "--hash", "0" * 64], ["autodev trust --show"]),
    ],
    ids=lambda value: " ".join(value)[:50],
)
def test_a_wrong_word(program: Program, arguments: list[str], words: list[str]) -> None:
    refused(run(program, *arguments, "--json"), *words, keys={"error", "code"})


def test_nothing_runs_so_nothing_can_be_stopped(program: Program) -> None:
    refused(run(program, "stop"), "no engine runs")


def test_goals_from_stdin(program: Program) -> None:
    too_long = run(program, "run", "-", "--json", stdin=b"x" * 2**20)
    refused(too_long, "more than 100,000 characters", keys=SESSION_KEYS)
    refused(run(program, "run", "-", "--json", stdin="é".encode() * 300_000), "more than", keys=SESSION_KEYS)
    refused(run(program, "run", "-", "--json", stdin=b"\xff\xfe"), "not UTF-8", keys=SESSION_KEYS)
    refused(run(program, "run", "-", "--json"), "the goal is empty", keys=SESSION_KEYS)


def test_requirements_that_cannot_be_read(program: Program, tmp_path: Path) -> None:
    binary, long = tmp_path / "binary", tmp_path / "long"
    binary.write_bytes(b"\x89PNG\xff\x00")
    long.write_text("x" * 100_001)
    for path, word in (
        (tmp_path / "none", "No such file"),
        (tmp_path, "Is a directory"),
        (binary, "not UTF-8"),
        (long, "at most 100,000"),
    ):
        ended = run(program, "plan", GOAL, "--requirements", str(path), "--json")
        refused(ended, word, str(path), keys=PLAN_KEYS)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"\nautonmy = 'full'\n", [":2:", "unknown key autonmy", "did you mean autonomy"]),
        (b"[limits]\ncontext_token = 3\n", [":2:", "did you mean context_tokens"]),
        (b"autonomy = 'ful'\n", [":1:", "did you mean full"]),
        (b"budget_usd = nan\n", [":1:", "budget_usd"]),
        (b"x = = 1\n", [":1:", "not valid TOML"]),
        (b"# \xff\n", [":1:", "not UTF-8"]),
    ],
    ids=lambda value: value.decode(errors="replace").strip() if isinstance(value, bytes) else "",
)
def test_a_wrong_configuration(program: Program, tmp_path: Path, text: bytes, words: list[str]) -> None:
    (tmp_path / "config.toml").write_bytes(text)
    ended = run(program, "run", GOAL, "--json", AUTODEV_CONFIG_DIR=str(tmp_path))
    refused(ended, str(tmp_path / "config.toml"), *words, keys=SESSION_KEYS)


def test_wrong_variables(program: Program) -> None:
    refused(run(program, "run", GOAL, "--json", AUTODEV_AUTONOMI="full"), "did you mean AUTODEV_AUTONOMY")
    refused(run(program, "run", GOAL, "--json", AUTODEV_BUDGET_USD="lots"), "AUTODEV_BUDGET_USD")
    no_key = run(
        program, "run", GOAL, "--json", ANTHROPIC_API_KEY="", AUTODEV_MODEL="anthropic/claude-opus-5-5"
    )
    refused(no_key, "no key for Anthropic", "set ANTHROPIC_API_KEY", keys=SESSION_KEYS)
    unsafe = run(program, "run", GOAL, "--json", ANTHROPIC_BASE_URL="http://example.invalid")
    refused(unsafe, "unencrypted", "use https", keys=SESSION_KEYS)


def test_a_model_that_the_service_does_not_know(program: Program) -> None:
    with program.model(bug_fix()) as server:
        ended = run(program, "run", GOAL, "--model", "anthropic/claude-opus-5.5", "--json")
    program.environment["ANTHROPIC_BASE_URL"] = NOWHERE
    refused(ended, "claude-opus-5.5", "nearest known models: claude-opus-5-5", keys=SESSION_KEYS)
    assert [entry["path"] for entry in server.requests] == ["/v1/models/claude-opus-5.5"]


def test_a_terminal_that_knows_only_ascii(program: Program) -> None:
    ended = run(program, "resume", PYTHONIOENCODING="ascii:strict", PYTHONUTF8="0")
    refused(ended, r"\xb7")


# -- what a repository may hold


def test_odd_files_are_no_hindrance_and_stay_as_they_are(tmp_path: Path) -> None:
    program = Program(tmp_path)
    shop = program.repository
    (shop / "logo.png").write_bytes(bytes(range(256)) * 40)
    with (shop / "large.bin").open("wb") as file:
        file.truncate(100 * 2**20)
    Path(os.fsdecode(os.fsencode(shop) + b"/caf\xe9.txt")).write_text("not UTF-8 by name\n")
    (shop / "secret.txt").write_text("plain\n")
    (shop / ".gitattributes").write_text("*.txt -text\nsecret.txt filter=crypt\n")
    inner = make_repository(tmp_path / "inner", {"a": "1\n"})
    git(shop, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner), "vendor")
    git(shop, "add", "-A")
    git(shop, "commit", "-q", "-m", "chore: odd things")
    developer = agent(
        "Fix the discount",
        reply(call("list_files"), call("read_file", path="logo.png"), call("read_file", path="large.bin")),
        reply(call("read_file", path="shop/prices.py")),
        reply(call("edit_file", path="shop/prices.py", old_text=OLD, new_text=NEW)),
        reply(call("finish", summary="Fixed.")),
    )
    script = {"conversations": [plan(task("fix", "Fix the discount")), developer]}
    with program.model(script):
        ended = program("run", GOAL, "--autonomy", "full", "--land", "--json")
    assert ended.code == 0, ended.err
    assert git(shop, "diff", "--name-only", "HEAD~1", "HEAD") == "shop/prices.py"
    assert git(shop, "ls-tree", "HEAD", "vendor").startswith("160000 commit")
    assert (shop / "vendor/a").read_text() == "1\n"
    program.clean()


def test_a_path_behind_a_content_filter_is_refused_with_the_reason(tmp_path: Path) -> None:
    program = Program(tmp_path)
    shop = program.repository
    (shop / "secret.txt").write_text("plain\n")
    (shop / ".gitattributes").write_text("secret.txt filter=crypt\n")
    git(shop, "add", "-A")
    git(shop, "commit", "-q", "-m", "chore: a filtered file")
    head = program.head()
    developer = agent(
        "Fix the discount",
        reply(call("read_file", path="secret.txt")),
        reply(call("edit_file", path="secret.txt", old_text="plain", new_text="other")),
        reply(call("run_command", command="echo other > secret.txt")),
    )
    script = {"conversations": [plan(task("fix", "Fix the discount")), developer]}
    with program.model(script) as server:
        ended = program("run", GOAL, "--autonomy", "full", "--land", "--json")
    # The checkpoint that ends the run is made while the model is asked once more.
    told = str(server.requests[-1]["body"]["messages"])
    assert "Nothing was changed" in told and "content filter 'crypt'" in told.replace('\\"', "")
    refused(ended, "secret.txt", "content filter", "crypt", "change it yourself", code=3, keys=SESSION_KEYS)
    assert program.head() == head
    assert program_state(program)["state"] == "running"
    assert (shop / "secret.txt").read_text() == "plain\n" and git(shop, "status", "--porcelain") == ""


def program_state(program: Program) -> Any:
    """The session as it is stored."""
    (state,) = (program.state_root / "repositories").iterdir()
    with closing(Database.open(state, read_only=True)) as database:
        (session,) = database.all("sessions")
    return session


# -- two at once


def test_a_second_engine_and_answers_meanwhile_are_refused(tmp_path: Path) -> None:
    program = Program(tmp_path)
    program.environment["AUTODEV_SANDBOX"] = "none"
    slow = {
        "match": "You plan software work",
        "replies": [reply(call("submit_plan", tasks=[]), hang={"after": 1})],
    }
    with program.model({"conversations": [slow]}) as server:
        first = program.start("run", GOAL, "--json")
        server.wait_for(lambda: bool(server.requests), timeout_s=60)
        refused(
            program("run", GOAL, "--json"), "in use by process", "autodev stop", code=5, keys=SESSION_KEYS
        )
        assert program.status()["engine"]["pid"] == first.pid
        (session,) = {program.status()["session"]}
        refused(program("resume", "--json"), "in use by process", code=5, keys=SESSION_KEYS)
        assert program("stop").code == 0
        out, err = first.communicate(timeout=60)
    assert first.returncode == 130, err
    assert json.loads(out)["session"] == session and json.loads(out)["state"] == "interrupted"
    assert sys.executable and "Traceback" not in err
