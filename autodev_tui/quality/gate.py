"""The quality gate: one verdict on one git tree from the evidence about it (S26). Pure.

How a check counts:

* passed: with its whole weight. Checks of one kind share the kind's weight.
* failed: the score is 0 and the verdict `fail`, unless it was red on the base tree in the same way. Then its
  old failures are named and do not count, and with no new one it counts like a passed one: the change did no
  harm. That needs every failure of both runs to be known by name, and for a check of behaviour at least one
  test that passed. Where it is not so, a human has to tell old from new: it counts 0, the verdict is `ask`.
* not run: its weight is left out, and it is named.
* unverifiable: as not run; but a check of behaviour that says nothing about this tree makes the verdict at
  best `ask`, whatever the others say.

Without one check of behaviour that ran the verdict is at best `ask`. A criterion that is bound to a check or
test has its result: a failed one makes the verdict `fail` (old failures are no excuse, they are what it is
about), one that did not run at best `ask`. An unbound one stays claimed and never changes the verdict.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import Any

from autodev_tui.domain.evidence import Cause, CheckKind, Evidence, GateResult
from autodev_tui.domain.task import Criterion

THRESHOLD = 0.85
"""S26's quality_threshold."""
_UNREADABLE = ("invalid-syntax", "E999", "syntax", "unparsed")
"""What linters and type checkers call a file that they cannot read."""
SHOWN = 5
"""Names in one reason; all of them are in the result's lists."""


def base_needed(evidence: Sequence[Evidence]) -> list[str]:
    """The names of the checks that have to be run on the base tree too before `score` can judge."""
    return [item.check for item in evidence if item.result == "failed"]


def score(
    tree: str,
    evidence: Sequence[Evidence],
    base_evidence: Sequence[Evidence] = (),
    criteria: Sequence[Criterion] = (),
    threshold: float = THRESHOLD,
) -> GateResult:
    """The verdict on `tree`. Evidence about another tree is stale and does not count."""
    current = [item for item in evidence if item.tree == tree]
    base = {item.check: item for item in base_evidence}
    ran = [item for item in current if item.result in ("passed", "failed")]
    fails: list[str] = []
    asks: list[str] = []
    notes: list[str] = []
    new: dict[str, list[str]] = {}
    old: dict[str, list[str]] = {}
    before: list[str] = []
    counts: dict[CheckKind, list[float]] = {}
    for item in ran:
        value = 1.0
        if item.result == "failed":
            verdict, fresh, kept = _compare(item, base.get(item.check))
            if kept:
                old[item.check] = kept
                notes.append(f"{item.check}: red before too: {_names(kept)}")
            if verdict == "new":
                new[item.check] = fresh
                why = _names(fresh) or item.why or "failed"
                fails.append(f"{item.check}: {why}{_because(item, fresh, kept)}")
            elif verdict == "unsure":
                told = f"{item.why}{_because(item, (), ())}"
                asks.append(f"{item.check}: red before too, and what is new cannot be told: {told}")
            value = 1.0 if verdict == "old" else 0.0
            before += [item.check] if verdict == "old" else []
        counts.setdefault(item.kind, []).append(value)
    for item in current:
        if item.kind is CheckKind.BEHAVIOUR and item.result == "unverifiable":
            asks.append(f"{item.check}: {item.why}")
    if CheckKind.BEHAVIOUR not in counts:
        asks.append("no check of behaviour has run on this tree")
    judged = [_criterion(criterion, current) for criterion in criteria]
    fails += [f"not met: {entry['text']}" for entry in judged if entry["result"] == "failed"]
    asks += [f"not decided: {entry['text']}" for entry in judged if entry["result"] in _OPEN]
    value = 0.0 if fails else _mean(counts)
    if fails:
        verdict = "fail"
    elif asks:
        verdict = "ask"
    else:
        verdict = "pass" if value >= threshold else "fail"
    skipped = [item for item in current if item not in ran]
    notes += [f"{item.check}: not run: {item.why}" for item in skipped if item.result == "not_run"]
    return GateResult(
        tree=tree,
        verdict=verdict,
        score=round(value, 4),
        reasons=[*fails, *asks, *notes],
        ran=[item.check for item in ran],
        not_run=[item.check for item in skipped],
        new_failures=new,
        old_failures=old,
        red_before=before,
        evidence=current,
        criteria=judged,
    )


def _because(item: Evidence, fresh: Sequence[str], kept: Sequence[str]) -> str:
    """Where and what the first of the new failures is; the old ones explain nothing new."""

    def among(cause: Cause, names: Sequence[str]) -> bool:
        return bool({cause.name, cause.path, f"{cause.path}: {cause.code}"} & set(names))

    named = [cause for cause in item.causes if among(cause, fresh)]
    causes = named or [cause for cause in item.causes if not among(cause, kept)]
    return f" · {causes[0].words}" if causes else ""


_OPEN = ("not_run", "unverifiable")


def _compare(item: Evidence, before: Evidence | None) -> tuple[str, list[str], list[str]]:
    """Whether a red check is `new`, `old` or `unsure`, its new failures, and its old ones."""
    if before is None or before.result != "failed":
        return "new", item.failures, []
    if not before.failures:
        return "unsure", [], []
    if not item.failures:
        return "new", [], []
    # As often as each occurs: a second finding of the same code in the same file is new.
    now, then = Counter(item.failures), Counter(before.failures)
    fresh, kept = sorted((now - then).elements()), sorted((now & then).elements())
    # What could not even be read on the base hid what it would have said there.
    hidden = [name for name in fresh if _was_hidden(name, then)]
    fresh = [name for name in fresh if name not in hidden]
    if fresh:
        return "new", fresh, kept
    if hidden or (item.kind is CheckKind.BEHAVIOUR and not item.passed_tests):
        return "unsure", [], kept
    return "old", [], kept


def _was_hidden(name: str, before: Counter[str]) -> bool:
    """Whether `name` is a test of a file that was not loaded, or a finding in one that was not parsed."""
    file = name.rpartition(": ")[0]
    unread = any(one.endswith(": syntax") for one in before)  # mypy then looks at no file at all
    return ("::" in name and name.partition("::")[0] in before) or bool(
        file and (unread or any(f"{file}: {code}" in before for code in _UNREADABLE))
    )


def _criterion(criterion: Criterion, current: Sequence[Evidence]) -> dict[str, Any]:
    """A criterion with its result: claimed when unbound, else that of its check or test."""
    result, by = "claimed", ""
    if criterion.check:
        result, by = "not_run", ""
        for item in current:
            if criterion.check in (item.check, item.command):
                result, by = item.result, item.check
                break
            if criterion.check in item.failures:
                result, by = "failed", item.check
                break
            if outcome := item.tests.get(criterion.check):
                result, by = ("not_run" if outcome == "skipped" else outcome), item.check
                break
    return {"text": criterion.text, "check": criterion.check, "result": result, "by": by}


def _mean(counts: dict[CheckKind, list[float]]) -> float:
    total = sum(kind.weight for kind in counts)
    return sum(kind.weight * fmean(values) for kind, values in counts.items()) / total if total else 0.0


def _names(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
    return ", ".join(listed[:SHOWN]) + more
