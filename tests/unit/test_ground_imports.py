"""Nothing of the folder we are started in is imported, and nobody loads what they must not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import autodev_tui

ROOT = Path(autodev_tui.__file__).parent.parent
SDKS = {"anthropic", "ollama", "git", "tree_sitter", "tree_sitter_bash", "textual", "pydantic_settings"}


def guarded(entries: list[str | Path], here: Path | None, package: Path) -> list[str]:
    return autodev_tui._guarded([str(entry) for entry in entries], here and str(here), str(package))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment with this package installed: its site-packages."""
    venv = tmp_path / "usr" / "venv"
    site = venv / "lib" / "site-packages"
    (site / "autodev_tui" / "_bundled").mkdir(parents=True)
    monkeypatch.setattr(sys, "prefix", str(venv))
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path / "usr"))
    return site


def test_installed_the_bundled_folders_come_first(site: Path, tmp_path: Path) -> None:
    bundled = site / "autodev_tui" / "_bundled"
    assert guarded([site], tmp_path / "repo", site / "autodev_tui") == [str(bundled), str(site)]
    again = [bundled, site]
    assert guarded(again, tmp_path / "repo", site / "autodev_tui") == [str(bundled), str(site)]


def test_in_a_checkout_the_root_comes_first(tmp_path: Path) -> None:
    root = tmp_path / "checkout"
    (root / "autodev_tui").mkdir(parents=True)
    assert guarded(["/opt/lib", root], root, root / "autodev_tui") == [str(root), "/opt/lib"]
    assert guarded(["/opt/lib"], tmp_path, root / "autodev_tui") == [str(root), "/opt/lib"]


def test_the_working_directory_and_all_relative_entries_go(site: Path, tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    repo.mkdir()
    (tmp_path / "link").symlink_to(repo)
    hostile = ["", ".", "src", "../lib", repo, repo / "src", f"{repo}/", tmp_path / "link" / "src"]
    kept = [tmp_path / "repository", tmp_path / "other", "/opt/lib"]
    assert guarded([*hostile, *kept], repo, site / "autodev_tui")[1:] == [str(path) for path in kept]


def test_an_environment_inside_the_working_directory_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = tmp_path / "repo"
    site = repo / ".venv" / "lib" / "site-packages"
    (site / "autodev_tui").mkdir(parents=True)
    monkeypatch.setattr(sys, "prefix", str(repo / ".venv"))
    found = guarded([repo, repo / "src", repo / ".venv" / "plugins", site], repo, site / "autodev_tui")
    assert found == [str(site), str(repo / ".venv" / "plugins")]


def test_a_prefix_around_the_working_directory_shelters_nothing(site: Path, tmp_path: Path) -> None:
    repo = tmp_path / "usr" / "src" / "app"
    stdlib = str(Path(os.__file__).parent)
    found = guarded([repo, repo / "lib", site, stdlib], repo, site / "autodev_tui")
    assert found[1:] == [str(site), stdlib]


def test_in_the_root_folder_the_interpreter_still_works(site: Path) -> None:
    stdlib = str(Path(os.__file__).parent)
    assert guarded([site, stdlib, "/srv"], Path("/"), site / "autodev_tui")[1:] == [str(site), stdlib]


def test_a_working_directory_that_is_gone(site: Path) -> None:
    assert guarded(["", "/opt/lib", site], None, site / "autodev_tui")[1:] == ["/opt/lib", str(site)]


def modules_after(code: str) -> set[str]:
    """Top-level modules and our own ones that are loaded after `code`."""
    script = f"import sys\n{code}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    )
    return set(done.stdout.split())


def test_the_engines_side_never_loads_textual() -> None:
    loaded = modules_after(
        "import pkgutil, importlib, autodev_tui, store, prompts\n"
        "for package in (autodev_tui, store, prompts):\n"
        "    for module in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "        if not module.name.endswith(('__main__', '.app')) and '.probe.' not in module.name:\n"
        "            importlib.import_module(module.name)\n"
    )
    assert "autodev_tui.engine.engine" in loaded
    assert not {name for name in loaded if name.split(".")[0] in ("textual", "screens", "widgets")}


def test_the_version_is_told_without_loading_anything() -> None:
    loaded = modules_after(
        "sys.argv = ['autodev', '--version']\nfrom autodev_tui.__main__ import main\nmain()"
    )
    own = {name for name in loaded if name.split(".")[0] in ("autodev_tui", "store", "prompts")}
    assert own == {"autodev_tui", "autodev_tui.__main__", "autodev_tui.version"}
    assert not loaded & (SDKS | {"click", "pydantic", "rich", "json", "pathlib"})


def test_help_loads_no_sdk() -> None:
    loaded = modules_after("import autodev_tui.cli")
    assert not loaded & SDKS


def test_the_first_picture_needs_no_model_of_data() -> None:
    loaded = modules_after("import autodev_tui.cli, autodev_tui.app, autodev_tui.bridge")
    assert "textual" in loaded
    assert not loaded & {
        "pydantic",
        "pydantic_core",
        "tinydb",
        "git",
        "anthropic",
        "ollama",
        "autodev_tui.host",
    }


def test_an_unknown_platform_is_refused_politely() -> None:
    code = "import sys; sys.platform = 'win32'; from autodev_tui.__main__ import main; main()"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert (
        done.stderr == "autodev: win32 is not supported · it runs on Linux and macOS · on Windows use WSL2\n"
    )
