"""The user's hooks and signature at a landing: run visibly, their failure moves nothing."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from autodev_tui.vcs.hooks import HookCall, find_hook, hooks_folder
from autodev_tui.vcs.landing import (
    HookOutput,
    LandingGate,
    LandingPlan,
    after_landing,
    perform,
    prepare_landing,
)
from autodev_tui.vcs.messages import trailers_of
from tests.fakes.hook_runner import plain
from tests.fakes.landings import STEP, Landing, make_landing


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return make_landing(tmp_path, {"edit.txt": "new\n", "new.txt": "n\n"})


def hook(landing: Landing, name: str, body: str, folder: str = ".git/hooks") -> Path:
    file = landing.fixture.write(f"{folder}/{name}", f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)
    return file


def prepare(landing: Landing, plan: LandingPlan | None = None) -> tuple[LandingPlan, list[HookOutput]]:
    place = landing.root.parent / "state" / "hooks"
    return prepare_landing(landing.open(), plan or landing.plan(), place, plain(landing.fixture.environ))


def nothing_moved(landing: Landing) -> None:
    assert landing.main() == landing.base
    assert landing.fixture.status() == ""
    assert not (landing.root.parent / "state" / "hooks").exists()
    assert len(landing.fixture.git("worktree", "list").splitlines()) == 1


def test_pre_commit_sees_the_change_as_if_about_to_be_committed(landing: Landing) -> None:
    hook(
        landing,
        "pre-commit",
        "git diff --cached --name-status; git rev-parse HEAD; cat edit.txt new.txt; pwd",
    )
    plan, outputs = prepare(landing)
    where = landing.root.parent / "state" / "hooks"
    assert [(one.name, one.code) for one in outputs] == [("pre-commit", 0)]
    assert outputs[0].output.splitlines() == [
        "M\tedit.txt",
        "A\tnew.txt",
        landing.base,
        "new",
        "n",
        str(where),
    ]
    assert (plan.mode, plan.new, plan.ready) == ("ff", landing.head, True)
    nothing_moved(landing)


def test_failing_pre_commit_is_a_gate(landing: Landing) -> None:
    hook(landing, "pre-commit", "echo 'style: too long' >&2; exit 3")
    with pytest.raises(LandingGate, match="pre-commit failed with code 3: style: too long") as gate:
        prepare(landing)
    assert gate.value.outputs[0].code == 3
    assert gate.value.code == 3
    nothing_moved(landing)


def test_pre_commit_that_stages_changes_is_a_gate_with_the_tree(landing: Landing) -> None:
    hook(landing, "pre-commit", "echo formatted > new.txt; git add new.txt")
    with pytest.raises(LandingGate, match="must be checked") as gate:
        prepare(landing)
    assert gate.value.paths == ["new.txt"]
    assert landing.fixture.git("show", f"{gate.value.tree}:new.txt") == "formatted"
    nothing_moved(landing)


def test_pre_commit_that_leaves_dirt_in_its_worktree_changes_nothing(landing: Landing) -> None:
    hook(landing, "pre-commit", "echo dirt > new.txt; touch cache; rm -f .git")
    plan, _ = prepare(landing)
    perform(landing.open(), plan)
    assert (landing.root / "new.txt").read_text() == "n\n"
    assert landing.fixture.status() == ""


def test_commit_msg_sees_every_message_and_trailers_survive_its_edit(landing: Landing) -> None:
    hook(landing, "commit-msg", 'grep -v Autodev- "$1" > m; echo "Change-Id: I1" >> m; mv m "$1"')
    plan, outputs = prepare(landing)
    # The session's commit, then the landing's own.
    assert [one.name for one in outputs] == ["commit-msg", "commit-msg"]
    assert plan.mode == "merge"
    perform(landing.open(), plan)
    message = landing.fixture.git("log", "-1", "--format=%B", "main")
    assert message.startswith("feat: land it\n")
    assert "Change-Id: I1" in message
    assert ("Autodev-Step", STEP) in trailers_of(message)
    assert landing.fixture.git("rev-list", "--parents", "-1", "main").split()[1:] == [
        landing.base,
        landing.head,
    ]
    assert landing.fixture.git("rev-parse", "main^{tree}") == plan.tree
    assert landing.open().find_step("main", STEP) == plan.new
    assert landing.fixture.status() == ""


def test_commit_msg_that_only_checks_keeps_the_fast_forward(landing: Landing) -> None:
    hook(landing, "commit-msg", 'grep -q "^feat: " "$1"')
    plan, outputs = prepare(landing)
    assert (plan.mode, plan.new, len(outputs)) == ("ff", landing.head, 1)


def test_failing_commit_msg_names_the_commit(landing: Landing) -> None:
    hook(landing, "commit-msg", 'echo "no ticket"; exit 1')
    words = f"commit-msg failed for commit {landing.head[:7]} with code 1: no ticket"
    with pytest.raises(LandingGate, match=words):
        prepare(landing)
    nothing_moved(landing)


def test_commit_msg_that_empties_the_message_is_a_gate(landing: Landing) -> None:
    hook(landing, "commit-msg", ': > "$1"')
    with pytest.raises(LandingGate, match="left no message"):
        prepare(landing)


def test_hooks_path_is_the_users_not_the_new_trees(landing: Landing, tmp_path: Path) -> None:
    """A relative core.hooksPath means the user's checkout: the new tree's own hook never runs."""
    spy = tmp_path / "spy"
    other = make_landing(
        tmp_path / "other",
        {".husky/pre-commit": f"#!/bin/sh\ntouch {spy}\n", "edit.txt": "new\n"},
        {"edit.txt": "old\n", ".husky/pre-commit": "#!/bin/sh\necho the user\\'s\n"},
    )
    (other.root / ".husky/pre-commit").chmod(0o755)
    other.fixture.git("config", "core.fileMode", "false")
    other.fixture.git("config", "core.hooksPath", ".husky")
    _, outputs = prepare(other)
    assert outputs[0].output == "the user's\n"
    assert not spy.exists()


def test_hooks_path_of_the_user_config(landing: Landing, tmp_path: Path) -> None:
    config = Path(landing.fixture.environ["GIT_CONFIG_GLOBAL"])
    config.write_text(config.read_text() + "[core]\n\thooksPath = ~/hooks\n")
    repository = landing.open()
    assert hooks_folder(repository, landing.root) == Path(landing.fixture.environ["HOME"]) / "hooks"


def test_samples_and_files_that_are_not_executable_are_no_hooks(landing: Landing) -> None:
    hook(landing, "pre-commit", "exit 1").chmod(0o644)
    hook(landing, "commit-msg.sample", "exit 1")
    assert find_hook(landing.root / ".git/hooks", "pre-commit") is None
    plan, outputs = prepare(landing)
    assert (outputs, plan.ready) == ([], True)


def test_post_merge_runs_in_the_checkout_afterwards(landing: Landing) -> None:
    hook(landing, "post-merge", 'echo "$1"; cat edit.txt; pwd; exit 5')
    plan, _ = prepare(landing)
    perform(landing.open(), plan)
    said = after_landing(landing.open(), plan, plain(landing.fixture.environ))
    assert said and (said.code, said.output) == (5, f"0\nnew\n{landing.root}\n")


def test_post_merge_that_the_landing_brought_is_not_run(tmp_path: Path) -> None:
    spy = tmp_path / "spy"
    landing = make_landing(tmp_path, {".husky/post-merge": f"#!/bin/sh\ntouch {spy}\n"})
    landing.fixture.git("config", "core.hooksPath", ".husky")
    plan, _ = prepare(landing)
    perform(landing.open(), plan)
    (landing.root / ".husky/post-merge").chmod(0o755)
    said = after_landing(landing.open(), plan, plain(landing.fixture.environ))
    assert said and said.output.startswith("not run")
    assert not spy.exists()


def test_a_hook_is_given_nothing_but_what_it_needs_on_top_of_the_runners_own(landing: Landing) -> None:
    hook(landing, "pre-commit", "true")
    hook(landing, "post-merge", "true")
    calls: list[HookCall] = []

    def runner(call: HookCall) -> HookOutput:
        calls.append(call)
        return HookOutput(name=call.name, code=0, output="")

    plan, _ = prepare_landing(landing.open(), landing.plan(), landing.root.parent / "hooks", runner)
    perform(landing.open(), plan)
    after_landing(landing.open(), plan, runner)
    assert [sorted(call.env) for call in calls] == [
        ["GIT_EDITOR", "GIT_INDEX_FILE", "GIT_TERMINAL_PROMPT"],
        ["GIT_EDITOR", "GIT_TERMINAL_PROMPT"],
    ]


def with_ssh_key(landing: Landing, key: Path) -> None:
    fixture = landing.fixture
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    config = Path(fixture.environ["GIT_CONFIG_GLOBAL"])
    signers = key.with_name("signers")
    signers.write_text(f"ada@example.test {key.with_suffix('.pub').read_text()}")
    config.write_text(
        config.read_text()
        + "[commit]\n\tgpgSign = true\n[gpg]\n\tformat = ssh\n"
        + f'[gpg "ssh"]\n\tallowedSignersFile = {signers}\n'
        + f"[user]\n\tsigningKey = {key}\n"
    )


@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="no ssh-keygen")
def test_signed_landing(landing: Landing, tmp_path: Path) -> None:
    with_ssh_key(landing, tmp_path / "key")
    hook(landing, "commit-msg", 'echo "Reviewed-by: hook" >> "$1"')
    plan, _ = prepare(landing)
    assert plan.mode == "merge"
    perform(landing.open(), plan)
    assert landing.fixture.git("log", "-1", "--format=%G?", "main") == "G"
    message = landing.fixture.git("log", "-1", "--format=%B", "main")
    assert "Reviewed-by: hook" in message
    assert ("Autodev-Step", STEP) in trailers_of(message)
    assert landing.fixture.git("rev-list", "--parents", "-1", "main").split()[1:] == [
        landing.base,
        landing.head,
    ]
    assert landing.fixture.status() == ""


def test_signing_that_fails_is_a_gate(landing: Landing, tmp_path: Path) -> None:
    program = tmp_path / "gpg"
    program.write_text("#!/bin/sh\necho 'no secret key' >&2\nexit 2\n")
    program.chmod(0o755)
    config = Path(landing.fixture.environ["GIT_CONFIG_GLOBAL"])
    config.write_text(config.read_text() + f"[commit]\n\tgpgSign = true\n[gpg]\n\tprogram = {program}\n")
    with pytest.raises(LandingGate, match="could not be signed") as gate:
        prepare(landing)
    # Older git keeps the program's own words to itself.
    assert "sign" in gate.value.outputs[-1].output
    assert gate.value.outputs[-1].code
    nothing_moved(landing)


def test_a_signing_program_gets_the_way_to_its_agent_and_no_secrets(landing: Landing, tmp_path: Path) -> None:
    program, said = tmp_path / "gpg", tmp_path / "said"
    program.write_text(f"#!/bin/sh\n/usr/bin/env > {said}\nexit 2\n")
    program.chmod(0o755)
    config = Path(landing.fixture.environ["GIT_CONFIG_GLOBAL"])
    config.write_text(config.read_text() + f"[commit]\n\tgpgSign = true\n[gpg]\n\tprogram = {program}\n")
    secrets = {"ANTHROPIC_API_KEY": "k", "NPM_TOKEN": "t", "CI_JOB_JWT": "j", "GPG_TTY": "/dev/tty1"}
    agent = {"SSH_AUTH_SOCK": "/run/agent", "GNUPGHOME": str(tmp_path)}
    repository = landing.open()
    repository = replace(repository, environ={**repository.environ, **secrets, **agent})
    with pytest.raises(LandingGate):
        prepare_landing(repository, landing.plan(), tmp_path / "hooks", plain())
    names = {line.partition("=")[0] for line in said.read_text().splitlines()}
    assert not set(secrets) & names
    assert set(agent) <= names


@pytest.mark.parametrize("form", ["openpgp", "ssh"])
def test_repository_names_no_signing_program(landing: Landing, tmp_path: Path, form: str) -> None:
    spy, program = tmp_path / "spy", tmp_path / "gpg"
    program.write_text(f"#!/bin/sh\ntouch {spy}\nexit 1\n")
    program.chmod(0o755)
    for key in ("gpg.program", "gpg.openpgp.program", "gpg.ssh.program", "gpg.ssh.defaultKeyCommand"):
        landing.fixture.git("config", key, str(program))
    landing.fixture.git("config", "gpg.format", form)
    landing.fixture.git("config", "commit.gpgSign", "true")
    with pytest.raises(LandingGate):
        prepare(landing)
    assert not spy.exists()


def test_leftover_worktree_of_a_killed_run_is_replaced(landing: Landing) -> None:
    hook(landing, "pre-commit", "cat edit.txt")
    place = landing.root.parent / "state" / "hooks"
    landing.fixture.git("worktree", "add", "-q", "--detach", str(place), landing.base)
    _, outputs = prepare(landing)
    assert outputs[0].output == "new\n"
    nothing_moved(landing)
