"""Which strategy has something to say to a failure: the one list of them, most fundamental first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from autodev_tui.policy.weakened import TestFile, find_weakened, is_test_file
from autodev_tui.quality.failures.model import Strategy
from autodev_tui.quality.healing import calls, dependencies, formatters, imports, linting, names, syntax
from autodev_tui.quality.healing.model import Proposal, Repair, Unhealed
from autodev_tui.quality.healing.outcome import Outcome
from autodev_tui.quality.healing.symptoms import Symptom, symptoms
from autodev_tui.quality.healing.tree import Tree

BY_KIND: dict[str, tuple[Callable[[Tree, Symptom], Proposal], ...]] = {
    "syntax": (syntax.broken,),
    "relative": (imports.relative,),
    "no_module": (imports.no_module,),
    "no_name": (names.no_name,),
    "undefined": (calls.missing_self, imports.undefined, names.misspelt),
    "module_attribute": (names.module_attribute,),
    "self": (calls.missing_self,),
    "attribute": (names.attribute,),
    "keyword": (calls.keyword,),
    "fixture": (calls.fixture,),
}
_RANK = {kind: rank for rank, kind in enumerate(BY_KIND)}


def proposals(
    tree: Tree,
    command: str,
    outcome: Outcome,
    *,
    own_ruff: str = "",
    sites: Sequence[Path] = (),
    meant: Callable[[str], bool] | None = None,
) -> Iterator[Repair | Unhealed]:
    """Repairs for what a red check found, and why there is none where one was looked for.

    Only for what was met in a file that is `meant`.
    """
    found = symptoms(outcome.text, tree.local)
    if meant:
        found = [one for one in found if any(meant(path) for path, _ in one.places)]
    for symptom in sorted(found, key=lambda one: _RANK.get(one.kind, len(_RANK))):
        proposal = propose(tree, symptom, sites)
        if proposal is not None:
            yield proposal
    yield from linting.exported(tree, outcome, meant)
    for fix in (*linting.fixes(command, outcome, own_ruff), *formatters.formats(tree, outcome)):
        paths = frozenset(path for path in fix.paths if meant is None or meant(tree.local(path) or path))
        if paths or not fix.paths:
            yield replace(fix, paths=paths)


def propose(tree: Tree, symptom: Symptom, sites: Sequence[Path] = ()) -> Proposal:
    """The first strategy's word on one symptom; a repair that weakens a test is none."""
    said: Proposal = None
    for strategy in BY_KIND.get(symptom.kind, ()):
        if strategy is calls.missing_self and symptom.kind == "undefined" and symptom.name != "self":
            continue
        proposal = strategy(tree, symptom)
        if isinstance(proposal, Repair):
            return honest(replace(proposal, mends=_mends(proposal, symptom)))
        said = proposal or said
        if isinstance(proposal, Unhealed):
            break
    if symptom.kind == "no_module" and said is None:
        said = dependencies.no_module(tree, symptom, tuple(sites))
    return replace(said, mends=_mends(said, symptom)) if isinstance(said, Repair) else said


def _mends(repair: Repair, symptom: Symptom) -> str:
    if repair.strategy is Strategy.FIX_IMPORTS:
        return "imports"
    if repair.strategy is Strategy.UPDATE_DEPENDENCIES:
        return "dependencies"
    return "syntax" if symptom.kind == "syntax" else "names"


def honest(repair: Repair) -> Repair | Unhealed:
    """The repair, unless it takes something from a test."""
    files = [TestFile(one.path, one.old, one.new) for one in repair.changes if is_test_file(one.path)]
    # A test file that is broken has no units to compare: a mend of its syntax adds characters only.
    lost = {
        path: [one for one in found if one.kind != "not parsed"]
        for path, found in find_weakened(files).items()
    }
    if any(lost.values()):
        return Unhealed(
            f"only by weakening a test ({', '.join(path for path, found in lost.items() if found)})"
        )
    return repair
