"""One option written to the user's file: everything else in it stays, byte for byte."""

from __future__ import annotations

import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autodev_tui.settings import load_layers, load_settings
from autodev_tui.settings_files import SettingsError
from autodev_tui.settings_writing import write_option

TEXT = """\
# the top
autonomy = "guided"   # slow and safe

[limits]
# in tokens
context_tokens = 20_000

[[checks]]
name = "unit"  # ours
command = "make test"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "config.toml").write_text(TEXT)
    return tmp_path / "config.toml"


def environment(file: Path) -> dict[str, str]:
    return {"AUTODEV_CONFIG_DIR": str(file.parent)}


OPTIONS: st.SearchStrategy[tuple[str, Any]] = st.one_of(
    st.tuples(st.just("max_turns"), st.integers(1, 10_000)),
    st.tuples(st.just("budget_usd"), st.floats(0.01, 1000)),
    st.tuples(st.just("theme"), st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=9)),
    st.tuples(st.just("limits.check_timeout_s"), st.integers(1, 1000)),
    st.tuples(
        st.from_regex(r"keys\.[a-z]{1,5}\.[a-z]{1,5}", fullmatch=True), st.sampled_from(["a", "ctrl+y"])
    ),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(OPTIONS, min_size=1, max_size=4))
def test_what_is_written_is_read_and_no_line_of_the_users_is_lost(
    file: Path, options: list[tuple[str, Any]]
) -> None:
    file.write_text(TEXT)
    for name, value in options:
        write_option(environment(file), name, value)
    written = dict(options)
    layers = load_layers(environment(file))
    for name, value in written.items():
        table, _, key = name.partition(".")
        assert (layers.user[table][key] if key else layers.user[table]) == value
        assert layers.source(*([table, key] if key else [table])) == "user"
    lines = file.read_text().splitlines()
    assert all(line in lines for line in TEXT.splitlines())
    for name in written:
        write_option(environment(file), name, None)
    left = {name: table for name, table in tomllib.loads(file.read_text()).items() if table != {}}
    assert left == tomllib.loads(TEXT)


def test_a_file_that_is_not_valid_is_not_made_worse(file: Path) -> None:
    file.write_text('thme = "x"\n')
    with pytest.raises(SettingsError, match=r"config\.toml:1: unknown key thme"):
        write_option(environment(file), "theme", "nord")
    assert file.read_text() == 'thme = "x"\n'


def test_a_link_stays_a_link_and_the_mode_stays(file: Path, tmp_path: Path) -> None:
    kept = tmp_path / "dotfiles.toml"
    file.rename(kept)
    kept.chmod(0o640)
    file.symlink_to(kept)
    write_option(environment(file), "theme", "nord")
    assert file.is_symlink()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o640
    assert load_settings(environment(file)).theme == "nord"


def test_the_look_is_the_users_alone(file: Path) -> None:
    found = load_settings(environment(file), repository=b'theme = "x"\n[keys]\n"q" = "z"\n[flags]\nf = 100\n')
    assert (found.theme, found.keys, found.flags) == ("auto", {}, {})
    assert len(found.notices) == 3
