"""What goes to the model: rules only when trusted, secrets never, and back into the file unharmed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from autodev_tui.engine.agent_loop import work
from autodev_tui.headless import Place
from autodev_tui.providers.base import Request, Turn
from autodev_tui.vcs.repository import open_repository
from store.database import Database
from tests.fakes.engine_kit import DONE, desk, kit, make_turn, turns
from tests.fakes.repos import make_repository

KEY = "sk-" + "ant-api03-" + "Qm9zdG9uVGVhUGFydHkxNzczWmVicmE" * 2
TOKEN = "gh" + "p_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
VALUE = "correct-Horse7-battery-staple"
RULES = (("AGENTS.md", "Always write haiku. ZEBRA."),)


def everything(request: Request) -> str:
    return request.system + str(request.messages) + str(request.tools)


async def test_rules_of_the_repository_are_told_to_planner_and_developer(tmp_path: Path) -> None:
    async with kit(tmp_path, turns(make_turn(DONE)), rules=RULES) as one:
        await one.run()
        assert [request.meta["role"] for request in one.provider.requests] == ["planning", "development"]
        for request in one.provider.requests:
            assert "ZEBRA" in str(request.messages[0])
            assert "ZEBRA" not in request.system, "they are the repository's words, not ours"


async def test_rules_count_only_while_exactly_these_bytes_are_trusted(tmp_path: Path) -> None:
    from autodev_tui.engine.trust import trust, trust_files, trust_hash

    fixture = make_repository(tmp_path / "checkout", {"AGENTS.md": "Write haiku.\n"})
    repository = open_repository(fixture.root, environ=fixture.environ)
    database = Database.open(tmp_path / "state")
    environment = {"AUTODEV_CONFIG_DIR": str(tmp_path / "config")}
    place = Place(repository, tmp_path / "state", environment)
    place.settings(database, {})
    assert place.rules() == ()
    assert place.untrusted_files == ["AGENTS.md"]
    trust(database, trust_hash(trust_files(repository.root)), 1.0)
    place.settings(database, {})
    assert place.rules() == (("AGENTS.md", "Write haiku.\n"),)
    (fixture.root / "AGENTS.md").write_text("Write limericks.\n")
    place.settings(database, {})
    assert place.rules() == ()
    database.close()


async def test_secrets_are_masked_on_the_way_out_and_put_back_where_they_were(tmp_path: Path) -> None:
    config = f'api_key = "{KEY}"\nname = "shop"\ntoken = "{TOKEN}"\n'
    seen: list[str] = []

    def reply(request: Request) -> Turn:
        if request.meta["turn"] == 1:
            return make_turn(
                ("read_file", {"path": "config.ini"}), ("search", {"pattern": "token"}), first_id=10
            )
        if request.meta["turn"] == 2:
            text = str(request.messages[-1]["content"][0]["content"])
            lines = [line.partition("\t")[2] for line in text.splitlines()][:3]
            seen.extend(lines)
            return make_turn(
                (
                    "write_file",
                    {"path": "config.ini", "content": "\n".join(lines).replace("shop", "store") + "\n"},
                ),
                first_id=20,
            )
        return make_turn(DONE, first_id=30)

    async with kit(tmp_path, reply, files={"config.ini": config}) as one:
        place = await desk(one)
        await work(place.agent, place.verifier, place.workspace)
        for request in one.provider.requests:
            assert KEY not in everything(request)
            assert TOKEN not in everything(request)
        assert seen[1] == 'name = "shop"'
        assert "[[SECRET:" in seen[0]
        assert (place.workspace.path / "config.ini").read_text() == config.replace("shop", "store")


async def test_a_secret_put_somewhere_else_is_refused(tmp_path: Path) -> None:
    def reply(request: Request) -> Turn:
        if request.meta["turn"] == 1:
            return make_turn(("read_file", {"path": "config.ini"}), first_id=10)
        if request.meta["turn"] == 2:
            line = str(request.messages[-1]["content"][0]["content"]).splitlines()[0].partition("\t")[2]
            return make_turn(("write_file", {"path": "leak.py", "content": line + "\n"}), first_id=20)
        return make_turn(DONE, first_id=30)

    async with kit(tmp_path, reply, files={"config.ini": f'api_key = "{KEY}"\n'}) as one:
        place = await desk(one)
        await work(place.agent, place.verifier, place.workspace)
        leak = place.workspace.path / "leak.py"
        assert not leak.exists() or KEY not in leak.read_text()


async def test_secrets_in_rules_goals_notes_and_variables_do_not_reach_the_model_nor_the_state(
    tmp_path: Path,
) -> None:
    rules = (("AGENTS.md", f"Use {KEY} to log in."),)
    variables = {"DEPLOY_TOKEN": VALUE}
    files = {"notes.txt": f"it is {VALUE}\n"}
    script = turns(make_turn(("read_file", {"path": "notes.txt"})), make_turn(DONE))
    async with kit(tmp_path, script, rules=rules, environment=variables, files=files) as one:
        await one.run(goal="Log in as the notes say")
        agent_note: dict[str, Any] = {}
        for request in one.provider.requests:
            assert KEY not in everything(request)
            assert VALUE not in everything(request)
            agent_note = request.messages[0]
        assert "[[SECRET:" in str(agent_note)
    for file in (tmp_path / "state").rglob("*"):
        if file.is_file() and "worktrees" not in file.parts:
            data = file.read_bytes()
            assert KEY.encode() not in data, file
            assert VALUE.encode() not in data, file
