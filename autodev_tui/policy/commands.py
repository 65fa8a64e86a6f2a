"""What a shell command is, judged before it runs. Only decides asking; damage is the sandbox's matter."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from autodev_tui.policy.command_rules import (
    CHECK_MUST_HAVE,
    CHECK_TOOLS,
    FIND_TESTS,
    GIT_READ_ONLY,
    NETWORK_COMMANDS,
    NETWORK_SUBCOMMANDS,
    PUSHES,
    READ_ONLY,
    SHELLS,
    WRAPPERS,
    Allowed,
)
from autodev_tui.policy.shell import NotPlain, loose_commands, plain_commands
from autodev_tui.policy.table import Action


class CommandKind(StrEnum):
    """The class of a command, harmless ones first."""

    CHECK = "check"
    READ_ONLY = "read-only"
    OTHER = "other"
    NETWORK = "network"
    PUSH = "push"


_ACTIONS = {
    CommandKind.CHECK: Action.KNOWN_COMMAND,
    CommandKind.READ_ONLY: Action.KNOWN_COMMAND,
    CommandKind.OTHER: Action.OTHER_COMMAND,
    CommandKind.NETWORK: Action.OPEN_COMMAND,
    CommandKind.PUSH: Action.HARD_GATE,
}
Which = Callable[[str], str | None]
_PYTHON = re.compile(r"python(3(\.\d+)?)?")
_REF = re.compile(r"[A-Za-z0-9_./@^~{}:,+\-]+")


@dataclass(frozen=True)
class CommandClass:
    """A command's kind and why. `argv`: what to run without a shell, where one plain command says it all."""

    kind: CommandKind
    why: str
    argv: tuple[str, ...] | None = None

    @property
    def action(self) -> Action:
        """Its row in the table of autonomy."""
        return _ACTIONS[self.kind]


def classify(
    command: str, checks: Collection[str], worktree: Path, which: Which = shutil.which
) -> CommandClass:
    """The class of `command` as it would run in `worktree`; `checks` are the repository's own check commands.

    Sync and quick (about a millisecond once the grammar is loaded). Never raises: what is not understood is
    OTHER.
    """
    try:
        plain = plain_commands(command)
    except NotPlain as error:
        return _outward(command) or CommandClass(CommandKind.OTHER, str(error))
    argv = plain.commands[0] if plain.single else None
    known = [words for check in checks if (words := _check_words(check))]
    judged = [_judge(words, known, worktree, which) for words in plain.commands]
    for kind, why in judged:
        if kind is CommandKind.OTHER:
            return _outward(command) or CommandClass(kind, why, argv)
    if any(kind is CommandKind.CHECK for kind, _ in judged):
        return CommandClass(CommandKind.CHECK, "a check of this repository", argv)
    return CommandClass(CommandKind.READ_ONLY, "only reads", argv)


def _judge(
    argv: tuple[str, ...], known: Sequence[tuple[str, ...]], worktree: Path, which: Which
) -> tuple[CommandKind, str]:
    if argv in known:
        return CommandKind.CHECK, ""
    if "/" not in argv[0] and _shadowed(argv[0], worktree, which):
        return CommandKind.OTHER, f"{argv[0]} would come from inside the worktree"
    for check in known:
        if _narrower(argv, check, worktree):
            return CommandKind.CHECK, ""
    if "/" in argv[0]:
        return CommandKind.OTHER, "runs a program by its path"
    if not _read_only(argv, worktree):
        return CommandKind.OTHER, f"{argv[0]} with these arguments is not known to only read"
    if which(argv[0]) is None and argv[0] not in ("echo", "pwd", "true", "false"):
        return CommandKind.OTHER, f"{argv[0]} is not installed"
    return CommandKind.READ_ONLY, ""


def _shadowed(name: str, worktree: Path, which: Which) -> bool:
    found = which(name)
    if found is None:
        return False
    # Not resolved: a link in the worktree is the agent's to move, wherever it points now.
    return not Path(found).is_absolute() or Path(os.path.normpath(found)).is_relative_to(worktree)


def _check_words(check: str) -> tuple[str, ...] | None:
    try:
        plain = plain_commands(check)
    except NotPlain:
        return None
    return plain.commands[0] if plain.single else None


def _tool(argv: tuple[str, ...]) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
    """(runner, tool, arguments) of a command, as in (`python -m`, `pytest`, `-q`)."""
    runner: tuple[str, ...] = ()
    rest = argv
    if len(rest) > 2 and _PYTHON.fullmatch(rest[0].rpartition("/")[2]) and rest[1] == "-m":
        runner, rest = (rest[0],), rest[2:]
    elif len(rest) > 2 and rest[:2] in (("uv", "run"), ("poetry", "run"), ("pdm", "run")):
        runner, rest = rest[:2], rest[2:]
    elif "/" in rest[0]:
        directory, _, name = rest[0].rpartition("/")
        runner, rest = (directory,), (name, *rest[1:])
    if len(rest) > 1 and f"{rest[0]} {rest[1]}" in CHECK_TOOLS:
        return runner, f"{rest[0]} {rest[1]}", rest[2:]
    return runner, rest[0], rest[1:]


def _narrower(argv: tuple[str, ...], check: tuple[str, ...], worktree: Path) -> bool:
    """Whether `argv` is `check` with only harmless options and paths of the worktree."""
    check_runner, check_tool, check_arguments = _tool(check)
    runner, tool, arguments = _tool(argv)
    allowed = CHECK_TOOLS.get(tool)
    if allowed is None or tool != check_tool:
        return False
    # The bare tool and `python -m tool` are the same program; any path must be the check's own. Python would
    # rather start a file of the worktree by that name, which tests may do, and a program by its path never.
    module = len(runner) == 1 and _PYTHON.fullmatch(runner[0]) is not None
    if (
        module
        and len(check_runner) == 1
        and "/" in check_runner[0]
        and not _PYTHON.fullmatch(check_runner[0])
    ):
        module = tool in ("pytest", "unittest")
    if runner and runner != check_runner and not module:
        return False
    # What the check itself says is allowed again: its own `-o` or `-p` is the repository's word.
    rest = list(arguments)
    for word in check_arguments:
        if word in rest:
            rest.remove(word)
    must = CHECK_MUST_HAVE.get(tool)
    return (must is None or not must.isdisjoint(arguments)) and _fits(rest, allowed, worktree)


def _read_only(argv: tuple[str, ...], worktree: Path) -> bool:
    name, arguments = argv[0], list(argv[1:])
    if name == "git":
        allowed = GIT_READ_ONLY.get(arguments[0]) if arguments else None
        return allowed is not None and _fits(arguments[1:], allowed, worktree)
    if name == "find":
        return _find(arguments, worktree)
    if name == "sed":
        return (
            len(arguments) >= 2
            and arguments[0] == "-n"
            and re.fullmatch(r"\d+(,(\d+|\$))?p", arguments[1]) is not None
            and all(_inside(path, worktree) and not path.startswith("-") for path in arguments[2:])
        )
    if _PYTHON.fullmatch(name):
        return arguments in (["--version"], ["-V"])
    allowed = READ_ONLY.get(name)
    return allowed is not None and _fits(arguments, allowed, worktree)


def _find(arguments: list[str], worktree: Path) -> bool:
    position = 0
    while position < len(arguments) and not arguments[position].startswith(("-", "(", "!")):
        if not _inside(arguments[position], worktree):
            return False
        position += 1
    while position < len(arguments):
        count = FIND_TESTS.get(arguments[position])
        if count is None or position + count >= len(arguments):
            return False
        position += 1 + count
    return True


def _fits(arguments: Sequence[str], allowed: Allowed, worktree: Path) -> bool:
    operands: list[str] = []
    pattern_given = False
    words = list(arguments)
    while words:
        word = words.pop(0)
        if word == "--":
            operands += words
            break
        if not word.startswith("-") or word == "-":
            operands.append(word)
            continue
        options = _options(word, words, allowed)
        if options is None:
            return False
        pattern_given |= not allowed.patterns.isdisjoint(options)
    return _operands_fit(operands, allowed, pattern_given, worktree)


def _options(word: str, following: list[str], allowed: Allowed) -> list[str] | None:
    """The options that `word` names, a value taken off `following`; None if one is not allowed."""
    if word.startswith("--"):
        name, equals, _ = word[2:].partition("=")
        if len(name) < 2 or name not in allowed.flags | allowed.valued | allowed.attached:
            return None
        if equals:
            return None if name in allowed.flags else [name]
        if name in allowed.valued:
            if not following:
                return None
            following.pop(0)
        return [name]
    names: list[str] = []
    for index, letter in enumerate(word[1:], start=1):
        names.append(letter)
        if letter in allowed.attached:
            return names
        if letter in allowed.valued:
            if index == len(word) - 1:
                if not following:
                    return None
                following.pop(0)
            return names
        if letter not in allowed.flags:
            return None
    return names


def _operands_fit(operands: list[str], allowed: Allowed, pattern_given: bool, worktree: Path) -> bool:
    match allowed.operands:
        case "none":
            return not operands
        case "text":
            return True
        case "refs":
            return all(_REF.fullmatch(word) and _inside(word, worktree) for word in operands)
        case "one path":
            return len(operands) <= 1 and all(_inside(word, worktree) for word in operands)
        case "pattern+paths":
            paths = operands if pattern_given else operands[1:]
            return all(_inside(word, worktree) for word in paths)
        case "paths":
            return all(_inside(word.partition("::")[0], worktree) for word in operands)


def _inside(word: str, worktree: Path) -> bool:
    if ".." in word.split("/") or "\0" in word:
        return False
    root = worktree.resolve()
    try:
        return (root / word).resolve().is_relative_to(root)
    except (OSError, RuntimeError):  # a loop of links
        return False


def _outward(command: str) -> CommandClass | None:
    """PUSH or NETWORK, if any command anywhere in it, however wrapped, is one."""
    network: CommandClass | None = None
    for words in loose_commands(command):
        for argv in _unwrapped(words):
            name = argv[0].rpartition("/")[2]
            after = [word for word in argv[1:] if not word.startswith("-")]
            if not PUSHES.get(name, frozenset()).isdisjoint(after[:4]) and _pushes(name, after):
                return CommandClass(CommandKind.PUSH, f"{name} would publish something")
            if name in NETWORK_COMMANDS or not NETWORK_SUBCOMMANDS.get(name, frozenset()).isdisjoint(
                after[:2]
            ):
                network = CommandClass(CommandKind.NETWORK, f"{name} needs the network")
    if network is None and ("/dev/tcp/" in command or "/dev/udp/" in command):
        return CommandClass(CommandKind.NETWORK, "opens a network connection")
    return network


def _pushes(name: str, after: list[str]) -> bool:
    return name != "gh" or not {"list", "view", "status", "diff", "checks"} & set(after)


def _unwrapped(words: list[str], depth: int = 0) -> list[list[str]]:
    """The command itself and, where it only starts another one, that one too."""
    if not words or not words[0] or depth > 4:
        return []
    name = words[0].rpartition("/")[2]
    if name in SHELLS:
        scripts = [word for word in words[1:] if not word.startswith("-")]
        return [
            inner
            for script in scripts
            for found in loose_commands(script)
            for inner in _unwrapped(found, depth + 1)
        ]
    if name == "eval":
        return [
            inner for found in loose_commands(" ".join(words[1:])) for inner in _unwrapped(found, depth + 1)
        ]
    if name in WRAPPERS:
        rest = words[1:]
        while rest and (rest[0].startswith("-") or "=" in rest[0] or re.fullmatch(r"[\d.]+[smhd]?", rest[0])):
            rest = rest[1:]
        return _unwrapped(rest, depth + 1)
    if _PYTHON.fullmatch(name) and len(words) > 2 and words[1] == "-m":
        return _unwrapped(words[2:], depth + 1)
    if re.fullmatch(r"pip3(\.\d+)?", name):
        return [["pip", *words[1:]]]
    return [words]
