from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodev_tui.domain.levels import Level
from autodev_tui.policy.table import COMMANDS, Action, Facts, Verdict, decide

AUTO, ASK, DENY = Verdict.AUTO, Verdict.ASK, Verdict.DENY
BOXED = Facts(sandbox=True)
PASSED = Facts(sandbox=True, gate_passed=True)

ROWS = [
    (Action.PLAN, BOXED, (ASK, ASK, AUTO, AUTO)),
    (Action.QUESTION, BOXED, (ASK, ASK, ASK, AUTO)),
    (Action.QUESTION, Facts(sandbox=True, blocking=False), (ASK, ASK, AUTO, AUTO)),
    (Action.READ, BOXED, (AUTO, AUTO, AUTO, AUTO)),
    (Action.EDIT, BOXED, (ASK, AUTO, AUTO, AUTO)),
    (Action.KNOWN_COMMAND, BOXED, (ASK, AUTO, AUTO, AUTO)),
    (Action.OTHER_COMMAND, BOXED, (ASK, ASK, AUTO, AUTO)),
    (Action.OPEN_COMMAND, BOXED, (ASK, ASK, ASK, ASK)),
    (Action.TASK_CHANGES, PASSED, (ASK, ASK, AUTO, AUTO)),
    (Action.TASK_CHANGES, BOXED, (ASK, ASK, ASK, ASK)),
    (Action.TASK_CHANGES, Facts(gate_passed=False), (ASK, ASK, ASK, ASK)),
    (Action.SESSION_CHANGES, PASSED, (AUTO, AUTO, ASK, AUTO)),
    (Action.LAND, PASSED, (ASK, ASK, ASK, ASK)),
    (Action.LAND, Facts(land_flag=True, gate_passed=True), (ASK, ASK, ASK, AUTO)),
    (Action.LAND, Facts(land_flag=True, gate_passed=False), (ASK, ASK, ASK, ASK)),
    (Action.HARD_GATE, Facts(sandbox=True, gate_passed=True, land_flag=True), (ASK, ASK, ASK, ASK)),
    (Action.FORBIDDEN_PATH, PASSED, (DENY, DENY, DENY, DENY)),
    (Action.KNOWN_COMMAND, Facts(sandbox=True, evidence_run=True), (AUTO, AUTO, AUTO, AUTO)),
    (Action.OTHER_COMMAND, Facts(sandbox=True, evidence_run=True), (AUTO, AUTO, AUTO, AUTO)),
    (Action.OPEN_COMMAND, Facts(sandbox=True, evidence_run=True), (ASK, ASK, ASK, ASK)),
    (Action.KNOWN_COMMAND, Facts(sandbox=False, evidence_run=True), (ASK, ASK, ASK, ASK)),
]

facts = st.builds(
    Facts,
    sandbox=st.booleans(),
    gate_passed=st.sampled_from([None, True, False]),
    land_flag=st.booleans(),
    blocking=st.booleans(),
    evidence_run=st.booleans(),
)
STRICTNESS = {AUTO: 0, ASK: 1, DENY: 2}


@pytest.mark.parametrize(("action", "known", "verdicts"), ROWS)
def test_each_row(action, known, verdicts):
    assert tuple(decide(level, action, known).verdict for level in Level) == verdicts


def test_every_action_has_a_row():
    assert {row[0] for row in ROWS} == set(Action)


@given(facts, st.sampled_from([action for action in Action if action is not Action.SESSION_CHANGES]))
def test_a_lower_level_never_permits_more(known, action):
    strictness = [STRICTNESS[decide(level, action, known).verdict] for level in Level]
    assert strictness == sorted(strictness, reverse=True)


@given(facts)
def test_a_lower_level_never_lets_more_changes_through_unseen(known):
    """A change reaches the session's end unseen only if neither its task nor the whole was asked for."""

    def seen(level):
        rulings = (decide(level, Action.TASK_CHANGES, known), decide(level, Action.SESSION_CHANGES, known))
        return max(STRICTNESS[ruling.verdict] for ruling in rulings)

    strictness = [seen(level) for level in Level]
    assert strictness == sorted(strictness, reverse=True)


@given(st.sampled_from(list(Level)), st.sampled_from(sorted(COMMANDS)), facts)
def test_without_a_sandbox_every_command_asks(level, action, known):
    import dataclasses

    assert decide(level, action, dataclasses.replace(known, sandbox=False)).verdict is ASK


@given(st.sampled_from(list(Level)), facts)
def test_a_hard_gate_always_asks_and_is_never_remembered(level, known):
    ruling = decide(level, Action.HARD_GATE, known)
    assert ruling.verdict is ASK
    assert not ruling.rememberable


def test_what_the_table_does_not_know_asks():
    assert decide(Level.FULL, "launch rockets", BOXED).verdict is ASK  # type: ignore[arg-type]
