"""What the user decides about configuration: whom to trust, the key, one option."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from autodev_tui import credentials
from autodev_tui.domain.commands import SetKey, SetOption, TrustFiles
from autodev_tui.engine import trust
from autodev_tui.engine.refusal import Refusal
from autodev_tui.engine.site import Site
from autodev_tui.settings import check_option
from autodev_tui.settings_files import SettingsError
from autodev_tui.settings_writing import place_of, write_option


async def trust_files(site: Site, command: TrustFiles) -> None:
    """Trust what was shown, if it is still what is there. Raises Refusal: it is not."""
    await asyncio.to_thread(_trust, site, command.shown_hash)
    site.reload()


def _trust(site: Site, shown: str) -> None:
    if not shown:
        trust.revoke(site.database)
        return
    present = trust.trust_hash(trust.trust_files(site.repository.root))
    if shown != present:
        raise Refusal("the files have changed since they were shown · read them again")
    trust.trust(site.database, present, site.clock())


async def set_key(site: Site, command: SetKey) -> None:
    """Keep a provider's key, or forget it when it is empty. Raises Refusal: it cannot be one."""
    await keep_key(site.environment, command)
    site.reload()


async def keep_key(environment: Mapping[str, str], command: SetKey) -> None:
    """The same where there is no repository. Raises Refusal."""
    key = command.key.get_secret_value()
    try:
        await asyncio.to_thread(credentials.store_key, command.provider, key, environment)
    except (ValueError, OSError) as error:
        raise Refusal(f"the key was not kept: {error}") from error


async def set_option(site: Site, command: SetOption) -> None:
    """Write one of the user's own settings. Raises Refusal: it does not fit, or there is no such option."""
    await keep_option(site.environment, command)
    site.reload()


async def keep_option(environment: Mapping[str, str], command: SetOption) -> None:
    """The same where there is no repository. Raises Refusal."""
    try:
        value = _typed(command.name, command.value)
        await asyncio.to_thread(write_option, environment, command.name, value)
    except (SettingsError, OSError) as error:
        raise Refusal(str(error)) from error


def _typed(name: str, value: Any) -> Any:
    """What was typed, as what the option takes: `5` in a field of text is a number for a number."""
    if not isinstance(value, str):
        return value
    place = place_of(name)
    try:
        check_option(place, value)
    except SettingsError:
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
