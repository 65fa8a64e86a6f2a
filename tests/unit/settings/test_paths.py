from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from autodev_tui import paths


def test_variables_move_state_and_configuration(tmp_path: Path) -> None:
    environment = {"AUTODEV_STATE_DIR": str(tmp_path / "s"), "AUTODEV_CONFIG_DIR": "~/c"}
    assert paths.state_root(environment) == tmp_path / "s"
    assert paths.config_dir(environment) == Path.home() / "c"
    assert paths.repository_state(environment, "r01jd8").parent.parent == tmp_path / "s"


def test_without_variables_they_are_in_the_users_directories(home: Path) -> None:
    assert paths.state_root({}).is_relative_to(home)
    assert paths.config_dir({}).is_relative_to(home)
    assert paths.state_root({}) != paths.config_dir({}) or sys.platform == "darwin"


@pytest.mark.parametrize("identity", ["", "..", "../x", "a/b", ".hidden", "x" * 200, "a\nb"])
def test_an_id_leads_nowhere_else(identity: str) -> None:
    with pytest.raises(ValueError, match="is no repository id"):
        paths.repository_state({}, identity)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {"AUTODEV_CONFIG_DIR": str(tmp_path / "config")}


def test_the_secret_is_made_once_and_is_the_users_alone(environment: dict[str, str], tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        secret = paths.client_secret(environment)
    finally:
        os.umask(old)
    assert len(secret) == 32
    assert paths.client_secret(environment) == secret
    (file,) = (tmp_path / "config").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_processes_that_start_together_have_one_secret(environment: dict[str, str]) -> None:
    code = "import os; from autodev_tui.paths import client_secret; print(client_secret(os.environ).hex())"
    root = str(Path(paths.__file__).parent.parent)
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            env={**os.environ, **environment},
            cwd=root,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(6)
    ]
    assert len({process.communicate()[0] for process in started}) == 1


def test_a_secret_that_others_can_read_is_none(environment: dict[str, str], tmp_path: Path) -> None:
    paths.client_secret(environment)
    file = tmp_path / "config" / paths.SECRET_FILE
    file.chmod(0o640)
    with pytest.raises(OSError, match="others can read the client secret · delete it"):
        paths.client_secret(environment)


def test_a_damaged_or_foreign_secret_is_refused(environment: dict[str, str], tmp_path: Path) -> None:
    directory = tmp_path / "config"
    directory.mkdir()
    file = directory / paths.SECRET_FILE
    file.touch(mode=0o600)
    with pytest.raises(OSError, match="damaged"):
        paths.client_secret(environment)
    file.unlink()
    (tmp_path / "elsewhere").write_bytes(b"x" * 32)
    file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic link"):
        paths.client_secret(environment)
    file.unlink()
    os.mkfifo(file, 0o600)
    with pytest.raises(OSError, match="not a file of yours"):
        paths.client_secret(environment)
