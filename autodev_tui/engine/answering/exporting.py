"""A session as text to read or to keep."""

from __future__ import annotations

import asyncio
import json

from autodev_tui.domain.requests import GetExport, TextAnswer
from autodev_tui.engine.answering.common import session_of
from autodev_tui.engine.export import export_document, markdown
from autodev_tui.engine.site import Site


async def get_export(site: Site, request: GetExport) -> TextAnswer:
    """The whole text in `head`."""
    session = await session_of(site, request.session)
    document = await asyncio.to_thread(
        export_document, site.repository, site.database, session, site.environment
    )
    if request.format == "json":
        text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    else:
        text = markdown(document)
    return TextAnswer(head=text, rows=text.count("\n"))
