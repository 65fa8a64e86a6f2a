"""All seeded repositories."""

from __future__ import annotations

from tests.heal.case import Case
from tests.heal.held_out import HELD_OUT
from tests.heal.seeds import SEEDS
from tests.heal.unreachable import UNREACHABLE

ALL: tuple[Case, ...] = (*SEEDS, *UNREACHABLE, *HELD_OUT)
