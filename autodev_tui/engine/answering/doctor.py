"""The doctor's findings as rows."""

from __future__ import annotations

import asyncio
from collections import Counter

from autodev_tui.domain.requests import GetDoctor, RowsAnswer
from autodev_tui.engine.doctor import Surroundings, examine
from autodev_tui.engine.site import Site
from autodev_tui.engine.trust import is_trusted, trust_files


async def get_doctor(site: Site, request: GetDoctor) -> RowsAnswer:
    """What works here and what does not."""
    findings = await asyncio.to_thread(lambda: examine(_surroundings(site)))
    counts = Counter(one.state for one in findings)
    return RowsAnswer(rows=[one.row() for one in findings], facts={**counts})


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
