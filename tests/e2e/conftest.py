"""End-to-end tests fork the loaded program: what a call takes seconds for is the loading."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.program import Program
from tests.fakes.zygote import Zygote


@pytest.fixture(autouse=True, scope="session")
def forked_calls() -> Iterator[None]:
    """Calls of `Program` are forks; `start`, the installed binary and other interpreters are not."""
    zygote = Zygote()
    Program.forked = zygote
    yield
    Program.forked = None
    zygote.close()
