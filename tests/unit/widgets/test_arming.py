"""A question is armed only in focus, drawn to its end, and half a second after the last key."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from widgets.arming import REST_S, Arming


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("shown"), st.sampled_from(["a", "b", ""])),
        st.tuples(st.just("focused"), st.booleans()),
        st.tuples(st.just("drawn"), st.none()),
        st.tuples(st.just("key"), st.none()),
        st.tuples(st.just("time"), st.floats(0, 1)),
    ),
    max_size=30,
)


@given(STEPS)
def test_it_is_armed_exactly_when_the_rule_says_so(steps):
    clock = Clock()
    arming = Arming(clock)
    subject, focus, drawn, since = "", False, False, clock.now
    for step, value in steps:
        match step:
            case "shown":
                if value != subject:
                    subject, drawn, since = value, False, clock.now
                arming.shown(value)
            case "focused":
                focus, since = value, clock.now
                arming.focused(value)
            case "drawn":
                if not drawn:
                    drawn, since = True, clock.now
                arming.drawn_to_end()
            case "key":
                found = bool(subject) and focus and drawn and clock.now >= since + REST_S
                since = clock.now
                arming.key()
                assert (arming.refusal() == "") is found, "the key counts if it found the question armed"
            case _:
                clock.now += value
        assert arming.armed is (bool(subject) and focus and drawn and clock.now >= since + REST_S)
        assert arming.waits is (bool(subject) and focus and drawn and clock.now < since + REST_S)


def test_it_says_to_read_to_the_end_first():
    clock = Clock()
    arming = Arming(clock)
    arming.shown("a")
    arming.focused(True)
    clock.now += 1
    arming.key()
    assert arming.refusal() == "read to the end first · G"
    assert arming.refusal(unread=True) == "", "what only sends back or puts away may be done before"


def test_another_question_in_its_place_takes_the_leave_of_the_key_away():
    clock = Clock()
    arming = Arming(clock)
    arming.shown("a")
    arming.focused(True)
    arming.drawn_to_end()
    clock.now += 1
    arming.key()
    arming.shown("b")
    assert arming.refusal()
