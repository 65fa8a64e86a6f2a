"""Runs the program itself, as a user does: a repository, a scripted model, and the command line."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from store.database import Database
from tests.fakes.anthropic_server import FakeAnthropic
from tests.fakes.ollama_server import FakeOllama

ROOT = Path(__file__).parents[2]
PLAIN = (sys.executable, "-m", "autodev_tui")
SHOP = {
    "shop/__init__.py": "",
    "shop/prices.py": (
        '"""Prices in cents."""\n\n\n'
        "def total(prices: list[int], discount_percent: int = 0) -> int:\n"
        '    """The sum of `prices` less the discount, rounded down."""\n'
        "    return sum(prices) - discount_percent\n"
    ),
    "tests/__init__.py": "",
    "tests/test_prices.py": (
        "import unittest\n\nfrom shop.prices import total\n\n\n"
        "class TotalTest(unittest.TestCase):\n"
        "    def test_without_discount(self):\n        self.assertEqual(total([250, 250]), 500)\n\n"
        "    def test_discount_is_a_share(self):\n        self.assertEqual(total([250, 250], 10), 450)\n"
    ),
}
OLD = "    return sum(prices) - discount_percent\n"
NEW = "    return sum(prices) * (100 - discount_percent) // 100\n"
PLANNER, DEVELOPER = "You plan software work", "You are a software developer"
CHECK = "python3 -m unittest -q"
KNOWN_CHECK = f'[[checks]]\nname = "unittest"\ncommand = "{CHECK}"\n'
"""Settings that make CHECK the repository's check, whatever else is installed on the machine."""


def call(tool: str, **arguments: Any) -> dict[str, Any]:
    """One tool call of a scripted reply."""
    return {"name": tool, "input": arguments}


def reply(*calls: dict[str, Any], text: str = "", **more: Any) -> dict[str, Any]:
    """One scripted reply."""
    return {**({"text": text} if text else {}), **({"calls": list(calls)} if calls else {}), **more}


def task(name: str, title: str, *depends_on: str, **more: Any) -> dict[str, Any]:
    """One planned task."""
    return {"id": name, "title": title, "depends_on": list(depends_on), "files": ["shop/prices.py"], **more}


def plan(*tasks: dict[str, Any]) -> dict[str, Any]:
    """The planner's conversation that hands in these tasks."""
    return {"match": PLANNER, "replies": [reply(call("submit_plan", tasks=list(tasks)))]}


def agent(match: str, *replies: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A developer's conversation, told from others by `match` in its first message."""
    return {"match": [DEVELOPER, match], "replies": list(replies), **more}


FIX = (
    reply(call("read_file", path="shop/prices.py")),
    reply(call("edit_file", path="shop/prices.py", old_text=OLD, new_text=NEW)),
    reply(call("run_command", command=CHECK)),
    reply(call("finish", summary="The discount is a share of the sum.")),
)
"""A developer's replies that fix the shop."""


def bug_fix() -> dict[str, Any]:
    """The script of the simplest goal: one task, fixed at the first try."""
    return {"conversations": [plan(task("fix", "Fix the discount")), agent("Fix the discount", *FIX)]}


def git(directory: Path, *arguments: str, check: bool = True) -> str:
    """Output of git in `directory`, without its last line end."""
    done = subprocess.run(["git", *arguments], cwd=directory, capture_output=True, text=True, check=check)
    return done.stdout.rstrip("\n")


def make_repository(path: Path, files: Mapping[str, str | bytes] = SHOP) -> Path:
    """A repository with one commit on main."""
    path.mkdir(parents=True)
    git(path, "init", "-q", "-b", "main")
    git(path, "config", "user.name", "Ada")
    git(path, "config", "user.email", "ada@example.invalid")
    for name, content in files.items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    git(path, "add", "-A")
    git(path, "commit", "-q", "-m", "feat: a very small shop")
    return path


@dataclass
class Result:
    """How one call of the program ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on stdout."""
        return json.loads(self.out)


@dataclass
class Program:
    """The program in a repository of its own, with its own state and configuration."""

    place: Path
    files: Mapping[str, str | bytes] = field(default_factory=lambda: SHOP)
    environment: dict[str, str] = field(default_factory=dict)
    settings: str = ""
    argv: tuple[str, ...] = PLAIN
    forked: ClassVar[Any] = None
    """A zygote to fork the calls from: the same program, without seconds of loading for each."""

    def __post_init__(self) -> None:
        self.repository = make_repository(self.place / "shop", self.files)
        self.state_root = self.place / "state"
        self.config = self.place / "config"
        (self.place / "home").mkdir()
        if self.settings:
            self.configure(self.settings)

    def configure(self, settings: str) -> None:
        """Write the user's `config.toml`."""
        self.config.mkdir(exist_ok=True)
        (self.config / "config.toml").write_text(settings)

    @property
    def env(self) -> dict[str, str]:
        """The variables of every call: nothing of the machine's own state."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "AUTODEV_SANDBOX") if name in os.environ}
        return {
            **kept,
            "HOME": str(self.place / "home"),
            "PYTHONPATH": str(ROOT),
            "AUTODEV_STATE_DIR": str(self.state_root),
            "AUTODEV_CONFIG_DIR": str(self.config),
            "OLLAMA_HOST": "127.0.0.1:1",
            **self.environment,
        }

    @contextlib.contextmanager
    def model(self, script: dict[str, Any]) -> Iterator[FakeAnthropic]:
        """The scripted model, which the program's calls inside the block talk to."""
        with FakeAnthropic(script) as server:
            added = {"ANTHROPIC_API_KEY": "test-key-of-nobody", "ANTHROPIC_BASE_URL": server.url}
            self.environment.update(added)
            yield server

    @contextlib.contextmanager
    def local_model(self, script: dict[str, Any]) -> Iterator[FakeOllama]:
        """The same script said by a scripted Ollama server, for `--model ollama/…`."""
        with FakeOllama(script) as server:
            self.environment["OLLAMA_HOST"] = server.url
            yield server

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """The program, running in a session of its own."""
        return subprocess.Popen(
            [*self.argv, "-C", str(self.repository), *arguments],
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            cwd=self.place,
            **options,
        )

    def __call__(self, *arguments: str, timeout_s: float = 120) -> Result:
        """Run the program to its end."""
        if self.forked and self.argv == PLAIN:
            argv = ["-C", str(self.repository), *arguments]
            result: Result = self.forked.start(argv, self.env, self.place).result(timeout_s)
            return result
        process = self.start(*arguments)
        try:
            out, err = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            raise AssertionError(f"{arguments} did not end in {timeout_s} s\n{out}\n{err}") from None
        return Result(process.returncode, out, err)

    def status(self) -> Any:
        """The document of `status --json`."""
        return self("status", "--json").json

    def approvals(self) -> list[Any]:
        """The questions that wait."""
        found: list[Any] = self("approvals", "--json").json
        return found

    def approve(self, approval: dict[str, Any], *more: str) -> Result:
        """Say yes to one question."""
        return self("approve", approval["id"], "--hash", approval["hash"], *more)

    def reject(self, approval: dict[str, Any], *more: str) -> Result:
        """Say no to one question."""
        return self("reject", approval["id"], "--hash", approval["hash"], *more)

    def answer(self, approval: dict[str, Any], *more: str) -> Result:
        """Answer one question by `--choice` or `--text`."""
        return self("answer", approval["id"], "--hash", approval["hash"], *more)

    def run(self, level: str, *more: str, goal: str = "The discount is taken as cents. Fix it.") -> Result:
        """`autodev run` at a level."""
        return self("run", goal, "--autonomy", level, "--json", *more)

    def resume(self, *more: str) -> Result:
        """Go on with the latest session."""
        return self("resume", "--headless", "--json", *more)

    def only_question(self) -> Any:
        """The one question that waits."""
        waiting = self.approvals()
        assert len(waiting) == 1, waiting
        return waiting[0]

    @contextlib.contextmanager
    def state(self) -> Iterator[Database]:
        """The stored state, opened as whoever can write the user's files would."""
        [directory] = self.state_root.glob("repositories/*")
        database = Database.open(directory)
        try:
            yield database
        finally:
            database.close()

    def approve_all(self) -> int:
        """Say yes to everything that waits; how many that was."""
        waiting = self.approvals()
        for approval in waiting:
            if approval["choices"]:
                first = approval["choices"][0]
                done = self("answer", approval["id"], "--hash", approval["hash"], "--choice", first)
            else:
                done = self.approve(approval)
            assert done.code == 0, done.err
        return len(waiting)

    def head(self, branch: str = "main") -> str:
        """The commit a branch is at."""
        return git(self.repository, "rev-parse", branch)

    def clean(self) -> None:
        """Nothing but the user's own is in the checkout, the repository is sound, nothing is left behind."""
        assert git(self.repository, "status", "--porcelain") == ""
        fsck = subprocess.run(
            ["git", "fsck", "--strict"], cwd=self.repository, capture_output=True, text=True, check=False
        )
        assert fsck.returncode == 0, fsck.stderr
        assert git(self.repository, "worktree", "list").count("\n") == 0
        left = [path.name for path in self.state_root.glob("**/worktrees/*") if path.is_dir()]
        assert left == []
        self.no_process_is_left()

    def no_process_is_left(self) -> None:
        """Whatever was started is gone, in the time that the kernel takes to end it."""
        for _ in range(100):
            if not self.processes():
                return
            time.sleep(0.05)
        raise AssertionError(self.processes())

    def processes(self) -> list[str]:
        """Command lines of living processes that name this program's place in words or variables."""
        place, found = os.fsencode(self.place), []
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit() and int(folder.name) != os.getpid():
                with contextlib.suppress(OSError):
                    words = (folder / "cmdline").read_bytes()
                    if place in words or place in (folder / "environ").read_bytes():
                        found.append(words.replace(b"\0", b" ").decode(errors="replace"))
        return found
