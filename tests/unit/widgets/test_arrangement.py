"""Where everything stands: nothing overlaps, nothing leaves the screen, at any size."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from widgets.arrangement import SMALLEST, arrange

WIDTHS, HEIGHTS = st.integers(20, 320), st.integers(8, 120)
FRONTS = st.sampled_from(["tasks", "agents", "desk"])


@given(WIDTHS, HEIGHTS, st.booleans(), FRONTS, st.booleans(), st.booleans())
def test_parts_fit_beside_and_below_each_other(
    width: int, height: int, desk: bool, front: str, zoomed: bool, whole: bool
) -> None:
    plan = arrange(width, height, desk=desk, front=front, zoomed=zoomed, whole=whole)
    assert plan.fits == (width >= SMALLEST[0] and height >= SMALLEST[1])
    if not plan.fits:
        return
    body = plan.body - plan.strip
    columns, rows = plan.agents
    assert max(rows, plan.desk[1]) <= body
    if plan.beside:
        assert plan.tasks + 1 + columns + 1 + plan.desk[0] == width
    elif rows and plan.desk[1]:
        assert rows + plan.desk[1] == body and columns == plan.desk[0]
    if plan.tasks and rows:
        assert plan.tasks + 1 + columns <= width
    # Header, needs-you row, composer with its rule, footer, and the autonomy row where it has one.
    assert plan.body + 5 + plan.autonomy == height
    assert plan.tasks or rows or plan.desk[1]


@given(WIDTHS, HEIGHTS, FRONTS)
def test_what_is_in_use_is_shown(width: int, height: int, front: str) -> None:
    plan = arrange(width, height, desk=True, front=front)
    shown = {"tasks": plan.tasks, "agents": plan.agents[1], "desk": plan.desk[1]}
    assert not plan.fits or shown[front]


def test_the_sizes_of_the_mockups() -> None:
    small = arrange(80, 24, desk=False, front="tasks")
    assert (small.tasks, small.agents, small.tiles) == (29, (50, 18), 3)
    review = arrange(80, 24, desk=True, front="desk")
    assert review.strip and review.desk == (80, 17) and not review.tasks
    middle = arrange(120, 36, desk=True, front="desk")
    assert (middle.tasks, middle.agents, middle.desk) == (34, (85, 8), (85, 22))
    large = arrange(200, 60, desk=True, front="desk")
    assert large.beside and large.tasks == 38 and large.desk[0] >= 96
