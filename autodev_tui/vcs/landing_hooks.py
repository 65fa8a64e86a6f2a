"""A landing before and after it moves: the user's hooks and signature.

`pre-commit` sees the change as if it were about to be committed: HEAD is the target's old commit, index and
files are the new tree. `commit-msg` sees every message that lands. The session's commits keep their ids (they
carry the step trailers and the evidence is about them), so where a hook edits a message, or a signature is
wanted, the landing makes a merge commit of its own, which carries the edited message and the signature.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from autodev_tui.vcs.git import Git, GitError
from autodev_tui.vcs.hooks import ENVIRONMENT, TIMEOUT_S, HookCall, HookRunner, find_hook, hooks_folder
from autodev_tui.vcs.landing_plan import HookOutput, LandingGate, LandingPlan
from autodev_tui.vcs.messages import trailers_of, with_trailers
from autodev_tui.vcs.repository import Repository

_MESSAGE_FILE = ".autodev-landing-message"
_SIGNERS_VARIABLES = (
    *("HOME", "PATH", "USER", "LOGNAME", "LANG", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"),
    *("GNUPGHOME", "PINENTRY_USER_DATA", "SSH_AUTH_SOCK", "SSH_AGENT_PID"),
    *("DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS"),
)
"""What a signing program needs of the user's variables to find keys, agents, and a window to ask in.

No terminal: a program that asks there would write over the screen and wait unseen.
"""


def prepare_landing(
    repository: Repository,
    plan: LandingPlan,
    worktree: Path,
    runner: HookRunner,
    timeout_s: float = TIMEOUT_S,
) -> tuple[LandingPlan, list[HookOutput]]:
    """Run `pre-commit` and `commit-msg`, and sign if the user wants that; nothing of the user's moves.

    Returns the plan that may be performed (record this one as the intent: its `new` can differ) and what the
    hooks said. `worktree` is where a worktree for the hooks may be made and removed again. Synchronous.

    Raises:
        LandingGate: a hook failed or changed the tree, or the commit could not be signed.
    """
    outputs: list[HookOutput] = []
    message, edited = plan.message, False
    folder = hooks_folder(repository, _checkout(repository, plan))
    pre_commit, commit_msg = find_hook(folder, "pre-commit"), find_hook(folder, "commit-msg")
    if plan.new == plan.old:
        return plan.but(ready=True), outputs
    if pre_commit or commit_msg:
        with _hook_worktree(repository, plan, worktree) as git:
            env = ENVIRONMENT | {"GIT_INDEX_FILE": str(git.git_dir / "index")}
            if pre_commit:
                call = HookCall("pre-commit", (str(pre_commit),), worktree, env, timeout_s)
                _pass(runner(call), outputs)
                _refuse_changes(git, plan, outputs)
            if commit_msg:
                call = HookCall("commit-msg", (str(commit_msg), _MESSAGE_FILE), worktree, env, timeout_s)
                edited = _check_session_messages(git, plan, call, runner, outputs)
                if edited or plan.mode == "merge":
                    message = _run_commit_msg(git, plan.message, call, runner, outputs)
    mode = "merge" if edited or repository.user.gpgsign else plan.mode
    new = plan.new
    if repository.user.gpgsign:
        new = _sign(repository, plan, message, outputs)
    elif mode != plan.mode or message != plan.message:
        new = repository.commit_tree(plan.tree, [plan.old, plan.head], message, date=plan.date)
    return plan.but(new=new, mode=mode, message=message, ready=True), outputs


def after_landing(
    repository: Repository, plan: LandingPlan, runner: HookRunner, timeout_s: float = TIMEOUT_S
) -> HookOutput | None:
    """Run `post-merge` in the checkout of the target; its failure changes nothing. None if there is none.

    A hook that lives in a folder which this landing changed is not run: the new tree never brings code that
    runs by itself.
    """
    if plan.checkout is None or plan.new == plan.old:
        return None
    checkout = Path(plan.checkout)
    folder = hooks_folder(repository, checkout)
    hook = find_hook(folder, "post-merge")
    if hook is None:
        return None
    inside = Path(os.path.relpath(folder.resolve(), checkout.resolve())).parts[0]
    if any(move.path.split("/")[0] == inside for move in plan.paths):
        return HookOutput(
            name="post-merge", code=0, output=f"not run: the landing changed files in {inside}/"
        )
    return runner(HookCall("post-merge", (str(hook), "0"), checkout, ENVIRONMENT, timeout_s))


def _checkout(repository: Repository, plan: LandingPlan) -> Path:
    return Path(plan.checkout) if plan.checkout else repository.root


@contextlib.contextmanager
def _hook_worktree(repository: Repository, plan: LandingPlan, path: Path) -> Iterator[Git]:
    """A detached worktree with HEAD at the old commit, index and files at the new tree."""
    _remove(repository, path)
    path.parent.mkdir(parents=True, exist_ok=True)
    repository.git.run("worktree", "add", "-q", "--detach", "--no-checkout", str(path), plan.old)
    try:
        git = repository.git_for(path)
        git.run("read-tree", "--reset", "-u", plan.tree)
        yield git
    finally:
        _remove(repository, path)


def _remove(repository: Repository, path: Path) -> None:
    repository.git.call("worktree", "remove", "--force", "--force", str(path), ok=(0, 128))
    if path.exists():
        shutil.rmtree(path)
        repository.git.run("worktree", "prune")


def _pass(output: HookOutput, outputs: list[HookOutput], what: str = "") -> None:
    outputs.append(output)
    if output.code:
        lines = output.output.strip().splitlines()
        said = f": {lines[-1][:200]}" if lines else ""
        raise LandingGate(f"{output.name} failed{what} with code {output.code}{said}", outputs)


def _refuse_changes(git: Git, plan: LandingPlan, outputs: list[HookOutput]) -> None:
    """A hook that stages changes makes another tree: one that no check has seen."""
    changed = git.fields("diff-index", "--cached", "-z", "--name-only", "--no-ext-diff", plan.tree)
    if changed:
        why = f"pre-commit changed {len(changed)} files; the changed tree must be checked before it lands"
        raise LandingGate(why, outputs, git.text("write-tree"), changed)


def _check_session_messages(
    git: Git, plan: LandingPlan, call: HookCall, runner: HookRunner, outputs: list[HookOutput]
) -> bool:
    """Show every landing commit's message to the hook. Returns whether it would have edited one."""
    edited = False
    for commit in git.text("rev-list", "--reverse", f"{plan.old}..{plan.head}").split():
        message = os.fsdecode(git.run("log", "-1", "--format=%B", commit))
        kept = os.fsdecode(git.run("stripspace", stdin=os.fsencode(message)))
        after = _run_commit_msg(git, message, call, runner, outputs, f" for commit {commit[:7]}")
        edited = edited or after != kept
    return edited


def _run_commit_msg(
    git: Git,
    message: str,
    call: HookCall,
    runner: HookRunner,
    outputs: list[HookOutput],
    what: str = "",
) -> str:
    """The message as the hook leaves it, with all the trailers that it had."""
    file = call.cwd / _MESSAGE_FILE
    file.unlink(missing_ok=True)
    file.write_bytes(git.run("stripspace", stdin=os.fsencode(message)))
    _pass(runner(call), outputs, what)
    try:
        text = os.fsdecode(git.run("stripspace", stdin=file.read_bytes()))
    except OSError:
        text = ""
    if not text.strip():
        raise LandingGate(f"{call.name} left no message{what}", outputs)
    return with_trailers(text, trailers_of(message))


def _signing(own: Mapping[str, str]) -> dict[str, str]:
    """Keys that sign with the user's own programs or git's usual ones, never with one of the repository's."""
    pgp = own.get("gpg.openpgp.program") or own.get("gpg.program") or "gpg"
    usual = {
        "gpg.x509.program": "gpgsm",
        "gpg.ssh.program": "ssh-keygen",
        "gpg.ssh.defaultkeycommand": "false",
    }
    return {**usual, **own, "gpg.program": pgp, "gpg.openpgp.program": pgp}


def _sign(repository: Repository, plan: LandingPlan, message: str, outputs: list[HookOutput]) -> str:
    """A signed merge commit, made with the user's own key and signing program."""
    user = repository.user
    variables = repository.user_variables()
    env = {name: variables[name] for name in _SIGNERS_VARIABLES if name in variables}
    when = {} if plan.date is None else {"GIT_COMMITTER_DATE": f"@{int(plan.date)} +0000"}
    when |= {} if plan.date is None else {"GIT_AUTHOR_DATE": f"@{int(plan.date)} +0000"}
    config = (*repository.bare.config, *_signing(user.signing).items())
    git = repository.bare.with_(config=config, env={**env, **user.identity_env(), **when})
    try:
        return git.text(
            "commit-tree",
            "-S",
            "-p",
            plan.old,
            "-p",
            plan.head,
            "-F",
            "-",
            plan.tree,
            stdin=os.fsencode(message),
        )
    except GitError as error:
        outputs.append(HookOutput(name="signing", code=error.returncode, output=error.stderr))
        said = error.stderr.splitlines()
        raise LandingGate(
            f"the commit could not be signed: {said[0] if said else 'no reason given'}", outputs
        ) from error
