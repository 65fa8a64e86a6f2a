"""Every test starts in a home of its own, with no key, no configuration and no way to the network."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes import network_guard

FOREIGN = ("AUTODEV_", "ANTHROPIC_", "OLLAMA_", "XDG_", "GIT_")
"""Variables of the machine that would change what is tested."""
SINGLE = ("VIRTUAL_ENV", "PYTHONPATH", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "PYTEST_ADDOPTS")
WAITING = ("e2e", "faults")
"""Folders of tests whose programs are waited for."""
GIT_CONFIG = """\
[user]
    name = Test User
    email = test@example.com
[init]
    defaultBranch = main
[commit]
    gpgsign = false
"""


_NUMBERS = itertools.count()


def pytest_configure() -> None:
    """Run under `nohup` or in the background, signals that end a program would be ignored by all we start."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that wait for programs stand evenly between those that compute: no kind is left for the end."""
    files = [list(of_file) for _, of_file in itertools.groupby(items, key=lambda item: item.path)]
    placed: list[tuple[float, list[pytest.Item]]] = []
    for waits in (True, False):
        kind = [one for one in files if (one[0].path.parent.name in WAITING) is waits]
        placed += [((place + 0.5) / len(kind), one) for place, one in enumerate(kind)]
    items[:] = [item for _, one in sorted(placed, key=lambda pair: pair[0]) for item in one]


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the homes alone: each new temporary folder looks through all that stand beside it."""
    return tmp_path_factory.mktemp("homes")


@pytest.fixture(autouse=True)
def home(homes: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The test's own home directory, with a git identity in it."""
    directory = homes / str(next(_NUMBERS))
    directory.mkdir()
    for name in os.environ:
        if name.startswith(FOREIGN) or name in SINGLE:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(directory))
    monkeypatch.setenv("AUTODEV_STATE_DIR", str(directory / "state"))
    monkeypatch.setenv("AUTODEV_CONFIG_DIR", str(directory / "config"))
    # A server of local models on this machine is none of the tests' business.
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:1")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    (directory / ".gitconfig").write_text(GIT_CONFIG)
    return directory


@pytest.fixture(autouse=True)
def network() -> Iterator[None]:
    """No test leaves this machine, not even one whose code catches what a refused connection raises."""
    network_guard.reset()
    remove = network_guard.install()
    yield
    remove()
    assert network_guard.reset() == []
