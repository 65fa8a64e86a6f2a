"""The course of a healing, as a generator of moves that is sent the answers to their calls."""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from autodev_tui.domain.rule import rule_of
from autodev_tui.quality.failures import classify
from autodev_tui.quality.healing import edits, formatters, linting, outcome, strategies
from autodev_tui.quality.healing.model import Change, Repair, Unhealed, some
from autodev_tui.quality.healing.outcome import Outcome
from autodev_tui.quality.healing.tree import Tree
from autodev_tui.rules.heal_report import Report
from autodev_tui.rules.scope import Scope
from autodev_tui.rules.work import Call, Done, Job, Move

MAX_REPAIRS = 40
"""Repairs tried: each costs a run of the check."""
CHECK_TIMEOUT_S = 600.0
"""As long as the engine's own runs of checks get."""
MAX_CHAIN = 6
"""Repairs that hold only together: each shows what the next one is for."""
MAX_PAGES = 20
"""Pages of a long output that are read."""
_PAGE_LINE = re.compile(r"^ *\d+\t(.*)$")
_GO_ON = re.compile(r"\(go on with offset (\d+)\)\s*$")
_CUT = re.compile(r"^[^\n]*, output cut\n")
_KEPT_AT = re.compile(r"all of it: read_file (@output/\S+)")

Answers = list[Done]
Moves = Generator[Move, Answers, None]


def changed_by(done: Done) -> str:
    """The file that a call changed, "" for none."""
    return str(done.args["path"]) if done.name == "edit_file" and not done.failed else ""


@dataclass
class Applied:
    """A repair in the worktree, with the edits that made it."""

    repair: Repair
    calls: list[edits.EditArgs] = field(default_factory=list)


class Course:
    """One healing, from the first run of the checks to the report."""

    def __init__(self, job: Job, tree: Tree) -> None:
        self._tree = tree
        checks = job.facts.get("checks", [])
        names = {str(one["command"]): str(one["name"]) for one in checks}
        self._kinds = {str(one["command"]): str(one["kind"]) for one in checks}
        self._scope = Scope.of(rule_of(job.description))
        self._report = Report(tree.local, tree.root, names, self._kinds, self._scope)
        self._tried: set[str] = set()
        self._facts = job.facts
        self._sites = _sites(str(self._facts.get("python", "")))
        self._own_ruff = str(self._facts.get("own_ruff", ""))
        self._outcomes: dict[str, Outcome] = {}
        """What each check says of the files as they are kept so far, in the order of the checks."""

    def run(self) -> Moves:
        """All moves."""
        given = self._scope.command
        commands = [*dict.fromkeys([given, *self._kinds] if given else self._kinds)]
        wanted = [one for one in commands if self._wants(one)]
        absent = [path for path in self._scope.paths if not self._tree.exists(path)]
        if not wanted or absent:
            yield Move(calls=self._report.none_found(absent))
            return
        # What is to be healed first: where nothing of it is red, nobody needs to know of the rest.
        for command in [*wanted, *(one for one in commands if one not in wanted)]:
            if command not in wanted and not any(map(self._is_red, wanted)):
                break
            found = yield from self._check(command)
            self._outcomes[command] = found
            self._report.before[command] = found
        yield from self._heal()
        yield Move("That is what rules can do here.", self._report.calls(self._outcomes))

    def _wants(self, command: str) -> bool:
        return self._scope.wants(command, self._kinds.get(command, ""))

    def _is_red(self, command: str) -> bool:
        return self._scope.red(self._outcomes[command], self._kinds.get(command, ""), self._tree.local)

    # -- checks

    def _check(
        self, command: str, before: Sequence[Call] = (), why: str = ""
    ) -> Generator[Move, Answers, Outcome]:
        """Run a check, after the calls `before`; they must not fail."""
        said = linting.seen_as(command)
        answers = yield Move(
            why or f"Run {command}",
            [*before, ("run_command", {"command": said, "timeout_s": CHECK_TIMEOUT_S})],
        )
        result = answers[-1]
        if result.failed:
            return Outcome(None, "", absent=f"it was not run: {result.result[:200]}")
        text = yield from self._whole(result)
        return outcome.read(said, result.result, text, self._tree.local, classify)

    def _whole(self, done: Done) -> Generator[Move, Answers, str]:
        """All that a command said, read page by page where its result is cut."""
        _, _, body = done.result.partition("\n")
        kept = _KEPT_AT.search(body) if _CUT.match(done.result) else None
        if not kept:
            return "" if body == "(no output)" else body
        lines: list[str] = []
        offset = 1
        for _ in range(MAX_PAGES):
            (page,) = yield Move("", [("read_file", {"path": kept[1], "offset": offset})])
            if page.failed:
                return body
            lines += [match[1] for line in page.result.split("\n") if (match := _PAGE_LINE.match(line))]
            more = _GO_ON.search(page.result)
            if not more:
                break
            offset = int(more[1])
        return "\n".join(lines)

    # -- repairs

    def _heal(self) -> Moves:
        chain: list[Applied] = []
        seen = dict(self._outcomes)
        """What the checks say with the chain, which is in the worktree but not kept yet."""
        for _ in range(MAX_REPAIRS):
            found = self._next(seen) if len(chain) < MAX_CHAIN else None
            if found is None:
                if not chain:
                    return
                yield from self._take_back(chain, "it did not make the check better")
                chain, seen = [], dict(self._outcomes)
                continue
            command, repair = found
            self._tried.add(repair.key)
            applied, after = yield from self._apply(command, repair)
            if applied is None or after is None:
                continue
            if outcome.compare(self._outcomes[command], after) == "worse":
                after = yield from self._tidied(command, after, [applied])
            step = outcome.compare(seen[command], after)
            verdict = outcome.compare(self._outcomes[command], after)
            if verdict == "better":
                everything = yield from self._others(command, after, [*chain, applied])
                if everything is not None:
                    self._keep([*chain, applied], command)
                    self._outcomes = everything
                    chain, seen = [], dict(everything)
                    continue
                yield from self._take_back([*chain, applied], "something else got worse")
                chain, seen = [], dict(self._outcomes)
            elif step in ("better", "other") and verdict != "worse":
                chain.append(applied)
                seen[command] = after
            else:
                yield from self._take_back([applied], "it did not make the check better")
        if chain:
            yield from self._take_back(chain, "it did not make the check better")

    def _next(self, seen: dict[str, Outcome]) -> tuple[str, Repair] | None:
        """The next repair to try, and the check that is to prove it."""
        for command, found in seen.items():
            if not found.red or not self._wants(command):
                continue
            everywhere = self._scope.everywhere(self._kinds.get(command, ""))
            for proposal in strategies.proposals(
                self._tree,
                command,
                found,
                own_ruff=self._own_ruff,
                sites=self._sites,
                meant=None if everywhere else self._scope.has,
            ):
                if isinstance(proposal, Unhealed):
                    self._report.unhealed(proposal.why)
                elif outside := [
                    one.path for one in proposal.changes if not self._scope.may_change(one.path)
                ]:
                    self._report.unhealed(f"{proposal.title}: {some(outside)} is not what was to be healed")
                elif proposal.key not in self._tried:
                    return command, proposal
        return None

    def _apply(
        self, command: str, repair: Repair
    ) -> Generator[Move, Answers, tuple[Applied | None, Outcome | None]]:
        """Make a repair and run its check; nothing is left of one that could not be made."""
        if repair.command or repair.prints:
            made = yield from self._from_diff(repair)
            if made is None:
                return None, None
            repair = made
        calls = self._calls(repair.changes)
        if calls is None:
            self._report.unhealed(f"{repair.title}: not by an edit that can be taken back exactly")
            return None, None
        answers = yield Move(_sentence(repair), [("edit_file", dict(one)) for one in calls])
        applied = Applied(repair)
        for args, answer in zip(calls, answers, strict=True):
            if answer.failed:
                self._report.unhealed(
                    f"{repair.title}: {answer.result.splitlines()[0][:200] if answer.result else 'refused'}"
                )
                yield from self._take_back([applied], "")
                return None, None
            self._edited(args)
            applied.calls.append(args)
        after = yield from self._check(command, why=f"Does that help? {command}")
        return applied, after

    def _from_diff(self, repair: Repair) -> Generator[Move, Answers, Repair | None]:
        """The repair with the changes that its commands print."""
        pairs = [one for one in repair.prints if one[0] in repair.paths] or [("", repair.command)]
        answers = yield Move(repair.title, [("run_command", {"command": command}) for _, command in pairs])
        changes: tuple[Change, ...] = ()
        for (path, _), answer in zip(pairs, answers, strict=True):
            if answer.failed:
                self._report.unhealed(
                    f"{repair.title}: {answer.result.splitlines()[0][:200] if answer.result else 'refused'}"
                )
                return None
            text = yield from self._whole(answer)
            if path:
                one = formatters.written(path, self._tree.read(path) or b"", text)
                changes += (one,) if one else ()
            else:
                changes = linting.changes_of(self._tree, repair, formatters.diff_of_rustfmt(text))
        if not changes:
            return None
        title = f"{repair.lead} {some([one.path for one in changes])}"
        honest = strategies.honest(replace(repair, title=title, changes=changes, command="", prints=()))
        if isinstance(honest, Unhealed):
            self._report.unhealed(f"{repair.title}: {honest.why}")
            return None
        return honest

    def _calls(self, changes: Sequence[Change]) -> list[edits.EditArgs] | None:
        made: list[edits.EditArgs] = []
        for change in changes:
            calls = edits.calls(change.path, change.old, change.new)
            if calls is None:
                return None
            made += calls
        return made

    def _edited(self, args: edits.EditArgs) -> None:
        now = self._tree.read(args["path"])
        after = edits.apply(now, args["old_text"], args["new_text"]) if now is not None else None
        if after is not None:
            self._tree = self._tree.with_files({args["path"]: after})

    def _others(
        self, command: str, after: Outcome, applied: list[Applied]
    ) -> Generator[Move, Answers, dict[str, Outcome] | None]:
        """What every check says now; None when one of the others got worse and cannot be put right."""
        now = dict(self._outcomes) | {command: after}
        for other, before in self._outcomes.items():
            if other == command or before.absent:
                continue
            found = yield from self._check(other, why=f"Did anything else get worse? {other}")
            if outcome.compare(before, found) == "worse":
                found = yield from self._tidied(other, found, applied)
                if outcome.compare(before, found) == "worse":
                    return None
            now[other] = found
        return now

    def _tidied(
        self, command: str, found: Outcome, applied: list[Applied]
    ) -> Generator[Move, Answers, Outcome]:
        """A linter does not like how the repair is written: its own fixes, in the repair's files only."""
        paths = frozenset(change.path for one in applied for change in one.repair.changes)
        for fix in linting.fixes(command, found, self._own_ruff):
            only = replace(fix, title=f"{fix.title} (after the repair)", paths=paths)
            more, after = yield from self._apply(command, only)
            if more is None or after is None:
                continue
            # Part of the repair: kept with it, or taken back with it.
            applied[-1].calls += more.calls
            changes = (*applied[-1].repair.changes, *more.repair.changes)
            applied[-1].repair = replace(applied[-1].repair, changes=changes)
            return after
        return found

    def _keep(self, applied: list[Applied], command: str) -> None:
        for one in applied:
            self._report.healed(one.repair, command)

    def _take_back(self, applied: list[Applied], why: str) -> Moves:
        """The files exactly as they were before these repairs."""
        calls: list[Call] = []
        for one in reversed(applied):
            for args in reversed(one.calls):
                back = {"path": args["path"], "old_text": args["new_text"], "new_text": args["old_text"]}
                calls.append(("edit_file", dict(back)))
            if why:
                self._report.taken_back(one.repair, why)
        if not calls:
            return
        answers = yield Move("Taken back: " + (why or "it could not be made whole"), calls)
        for answer in answers:
            if answer.failed:
                self._report.unhealed(f"{answer.args['path']} could not be put back: {answer.result[:200]}")
            else:
                self._edited({key: str(answer.args[key]) for key in ("path", "old_text", "new_text")})


def _sentence(repair: Repair) -> str:
    return repair.title[:1].upper() + repair.title[1:] + "."


def _sites(python: str) -> tuple[Path, ...]:
    """Where the packages of an interpreter are."""
    if not python:
        return ()
    return tuple(sorted(Path(python).parent.parent.glob("lib/python3*/site-packages")))
