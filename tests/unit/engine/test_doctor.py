"""What the doctor says of a repository: what counts comes first, and nothing that is there is denied."""

from __future__ import annotations

from pathlib import Path

from autodev_tui.engine.doctor import Surroundings, examine
from autodev_tui.sandbox.probe import ProbeResult
from autodev_tui.sandbox.spec import Rung
from autodev_tui.settings import Settings
from autodev_tui.vcs.repository import open_repository
from tests.fakes.repos import make_repository

PACKAGE = '{"scripts": {"test": "node --test"}, "devDependencies": {"left-pad": "1.3.0"}}'


def test_checks_of_other_ecosystems_are_named_and_the_sandbox_that_holds_comes_first(tmp_path: Path) -> None:
    made = make_repository(tmp_path / "web", {"package.json": PACKAGE})
    tried = ((Rung.BUBBLEWRAP, False, "does not start"), (Rung.LANDLOCK, True, "every attempt failed"))
    here = Surroundings(
        environment={"OLLAMA_HOST": "127.0.0.1:1"},
        repository=open_repository(made.root, environ=made.environ),
        settings=Settings(),
        probe=ProbeResult(Rung.LANDLOCK, tried),
    )
    found = {one.name: one for one in examine(here)}
    assert (found["checks"].state, found["checks"].text) == ("ok", "npm test (detected): npm test")
    assert (
        found["sandbox"].text == "landlock: holds, every attempt failed; bubblewrap: not used, does not start"
    )
