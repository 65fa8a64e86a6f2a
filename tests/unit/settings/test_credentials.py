"""Keys: the environment wins, the file is the user's alone, and nothing else ever holds one."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from autodev_tui import credentials
from autodev_tui.policy.secrets import Masker, scrub_env, secret_values
from autodev_tui.providers.base import ProviderError
from autodev_tui.providers.registry import default_model, make_provider
from autodev_tui.settings_files import SettingsError

KEY = "key-of-a-gateway-0123456789abcdef"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {"AUTODEV_CONFIG_DIR": str(tmp_path / "config")}


def test_a_key_is_kept_0600_whatever_the_umask(environment: dict[str, str]) -> None:
    old = os.umask(0)
    try:
        file = credentials.store_key("anthropic", f" {KEY}\n", environment)
    finally:
        os.umask(old)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["credentials.toml"]
    assert credentials.key_of("anthropic", environment) == KEY
    credentials.store_key("anthropic", "", environment)
    assert credentials.source_of("anthropic", environment) == ""


def test_the_environment_wins(environment: dict[str, str]) -> None:
    credentials.store_key("anthropic", KEY, environment)
    assert credentials.source_of("anthropic", environment) == "credentials.toml"
    both = {**environment, "ANTHROPIC_API_KEY": "another"}
    assert credentials.key_of("anthropic", both) == "another"
    assert credentials.source_of("anthropic", both) == "environment"


async def test_a_provider_is_made_with_the_kept_key(environment: dict[str, str]) -> None:
    assert default_model(environment) is None
    with pytest.raises(ProviderError, match="no key for Anthropic"):
        make_provider("anthropic/claude-opus-5-5", environment)
    credentials.store_key("anthropic", KEY, environment)
    assert default_model(environment) == "anthropic/claude-opus-5-5"
    provider, model = make_provider("anthropic/claude-opus-5-5", environment)
    assert model == "claude-opus-5-5"
    await provider.aclose()


def test_a_key_that_others_can_read_is_not_used(environment: dict[str, str]) -> None:
    file = credentials.store_key("anthropic", KEY, environment)
    file.chmod(0o640)
    with pytest.raises(SettingsError, match="others can read it"):
        credentials.key_of("anthropic", environment)
    spec = default_model(environment)
    assert spec
    with pytest.raises(ProviderError, match="others can read it"):
        make_provider(spec, environment)


@pytest.mark.parametrize("text", ['key = "x"\n', "[anthropic]\nkey = 3\n", '[antropic]\nkey = "x"\n', "[a\n"])
def test_a_file_that_is_none_of_ours_is_refused_without_its_words(
    environment: dict[str, str], text: str
) -> None:
    file = credentials.store_key("anthropic", KEY, environment)
    file.write_text(text)
    with pytest.raises(SettingsError, match=r"credentials\.toml"):
        credentials.key_of("anthropic", environment)


@pytest.mark.parametrize("key", ['ke"y', "ke\\y", "ke y", "ke\ny", "schlüssel", "ke\x1by"])
def test_what_no_key_has_is_not_kept(environment: dict[str, str], key: str) -> None:
    with pytest.raises(ValueError, match="no key has"):
        credentials.store_key("anthropic", key, environment)
    assert not (Path(environment["AUTODEV_CONFIG_DIR"]) / credentials.FILE).exists()


def test_a_kept_key_is_masked_like_one_of_the_environment(environment: dict[str, str]) -> None:
    credentials.store_key("anthropic", KEY, environment)
    assert KEY not in Masker(b"salt", secret_values(environment)).text(f"the key is {KEY}.")
    assert KEY not in str(scrub_env(environment))
