"""The doctor's findings as rows."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from autodev_tui.domain.requests import GetDoctor, RowsAnswer
from autodev_tui.engine.doctor import Surroundings, examine
from autodev_tui.engine.site import Site
from autodev_tui.engine.trust import is_trusted, trust_files
from autodev_tui.settings import Settings, SettingsError, load_settings

if TYPE_CHECKING:
    from autodev_tui.sandbox.probe import ProbeResult
    from autodev_tui.vcs.errors import RepositoryError


async def get_doctor(site: Site, request: GetDoctor) -> RowsAnswer:
    """What works here and what does not."""
    return await _answer(lambda: _surroundings(site))


async def doctor_outside(
    environment: Mapping[str, str], problem: RepositoryError | None, probe: ProbeResult | None
) -> RowsAnswer:
    """The same where there is no repository to work in."""
    return await _answer(
        lambda: Surroundings(
            environment=environment,
            repository_problem=problem,
            settings=_own_settings(environment),
            probe=probe,
        )
    )


async def _answer(surroundings: Callable[[], Surroundings]) -> RowsAnswer:
    findings = await asyncio.to_thread(lambda: examine(surroundings()))
    counts = Counter(one.state for one in findings)
    return RowsAnswer(rows=[one.row() for one in findings], facts={**counts})


def _own_settings(environment: Mapping[str, str]) -> Settings | None:
    try:
        return load_settings(environment)
    except SettingsError:
        return None


def _surroundings(site: Site) -> Surroundings:
    brought = trust_files(site.repository.root)
    return Surroundings(
        environment=site.environment,
        repository=site.repository,
        state=site.state,
        settings=site.settings,
        probe=site.probe,
        brought=sorted(brought),
        trusted=is_trusted(site.database, brought),
    )
