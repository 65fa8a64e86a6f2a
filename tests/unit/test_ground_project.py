"""The project's own rules, where no tool checks them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent.parent
PACKAGES = ("autodev_tui", "store", "prompts", "screens", "widgets")
LONGEST_FILE = 400
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
REQUIREMENTS = [
    Requirement(line) for line in [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]
]


def sources() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def test_no_file_is_too_long() -> None:
    lengths = {path.name: len(path.read_text().splitlines()) for path in sources()}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


def test_no_import_names_the_bundled_folders() -> None:
    pattern = re.compile(r"^\s*(?:from|import)\s+\S*_bundled", re.MULTILINE)
    assert [path for path in sources() if pattern.search(path.read_text())] == []


def test_every_dependency_says_why_it_is_there() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    lines = re.findall(r'^    "[a-z][a-z0-9_-]*[><=~][^"]*",.*$', text, re.MULTILINE)
    assert len(lines) == len(REQUIREMENTS)
    assert [line for line in lines if not re.search(r"#\s+\S+", line)] == []


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=lambda requirement: requirement.name)
def test_constraints_pin_what_the_project_asks_for(requirement: Requirement) -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    assert requirement.specifier.contains(pins[requirement.name.lower()])


def test_the_version_is_in_the_changelog() -> None:
    version = re.search(
        r'^__version__ = "(.+)"', (ROOT / "autodev_tui" / "version.py").read_text(), re.MULTILINE
    )
    assert version
    assert f"## {version[1]}" in (ROOT / "CHANGELOG.md").read_text()


def test_make_has_every_promised_target() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert targets >= {"run", "demo", "test", "check", "bench", "soak", "clean", "help"}
