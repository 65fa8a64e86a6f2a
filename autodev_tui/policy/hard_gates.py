"""Hard gates: what a change set holds that is asked at every level of autonomy (DESIGN §5). Sync, pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from autodev_tui.domain.changeset import ChangeSet, FileChange
from autodev_tui.policy.detectors import find
from autodev_tui.policy.paths import protected
from autodev_tui.policy.weakened import badges


class Gate(StrEnum):
    """Why a change set must be asked for."""

    DEPENDENCIES = "dependency manifest"
    CI = "CI or build configuration"
    LINT = "lint or test configuration"
    WEAKENED = "weakened tests"
    TESTS = "tests changed by a rule"
    DELETION = "mass deletion"
    SECRETS = "secrets"
    PROTECTED = "protected files"


MANY_FILES = 10
SHARE = 5
"""Mass deletion: more than 10 tracked files, or a fifth of them."""

_DEPENDENCIES = re.compile(
    r"(?:^|/)(?:pyproject\.toml|setup\.(?:py|cfg)|[\w.-]*(?:requirements|constraints)[\w.-]*\.(?:txt|in)|Pipfile"
    r"|[\w-]+\.lock|package(?:-lock)?\.json|npm-shrinkwrap\.json|pnpm-(?:lock|workspace)\.yaml|bun\.lockb|deno\.jsonc?"
    r"|Cargo\.toml|go\.(?:mod|sum|work)|Gemfile|[\w.-]+\.gemspec|composer\.json|pom\.xml|build\.gradle(?:\.kts)?"
    r"|environment\.ya?ml|conda-lock\.yml|mix\.exs|pubspec\.yaml|Package\.swift|[\w.-]+\.csproj|flake\.nix"
    r"|\.npmrc|\.yarnrc(?:\.yml)?|\.pypirc|pip\.conf|uv\.toml|WORKSPACE|MODULE\.bazel)$|(?:^|/)requirements/"
)
_CI = re.compile(
    r"^\.(?:github|gitlab|circleci|ci|buildkite|azure-pipelines|woodpecker|husky|devcontainer|forgejo|gitea)/"
    r"|(?:^|/)(?:\.gitlab-ci\.yml|\.travis\.yml|azure-pipelines\.ya?ml|bitbucket-pipelines\.yml|Jenkinsfile"
    r"|appveyor\.yml|\.appveyor\.yml|\.drone\.yml|cloudbuild\.yaml|codecov\.yml|\.codecov\.yml|GNUmakefile|makefile"
    r"|Makefile|justfile|Justfile|Taskfile\.ya?ml|tox\.ini|noxfile\.py|\.pre-commit-config\.yaml|lefthook\.yml"
    r"|Dockerfile[\w.-]*|[\w.-]*compose\.ya?ml|\.gitattributes|\.gitmodules|\.gitignore|\.worktreeinclude|sitecustomize\.py"
    r"|usercustomize\.py|[\w-]+\.pth)$"
)
_LINT = re.compile(
    r"(?:^|/)(?:\.?ruff\.toml|\.?mypy\.ini|\.flake8|\.?pylintrc(?:\.toml)?|\.isort\.cfg|\.bandit|pyrightconfig\.json"
    r"|\.eslintrc[\w.]*|eslint\.config\.\w+|\.eslintignore|\.prettierrc[\w.]*|\.prettierignore|tsconfig[\w.-]*\.json"
    r"|biome\.jsonc?|\.stylelintrc[\w.]*|pytest\.(?:ini|toml)|\.coveragerc|jest\.config\.\w+|vitest\.config\.\w+"
    r"|\.golangci\.ya?ml|\.?clippy\.toml|\.?rustfmt\.toml|\.rubocop\.yml|\.editorconfig|\.importlinter)$"
)


@dataclass(frozen=True)
class GateHit:
    """One reason. `hunks` are numbers in the change set; `text` says what was found, for the human."""

    kind: Gate
    path: str
    hunks: tuple[int, ...]
    text: str


def find_hard_gates(
    changes: ChangeSet, read_blob: Callable[[str], bytes], tracked_count: int
) -> list[GateHit]:
    """Every hard gate that `changes` touches. `tracked_count` is the number of files in its base tree."""
    hits: list[GateHit] = []
    found_badges = badges(changes, read_blob)
    for file in changes.files:
        numbers = tuple(hunk.number for hunk in file.hunks)
        if name := protected(file.path.split("/")):
            # No tool may write it, but a command can.
            hits.append(GateHit(Gate.PROTECTED, file.path, numbers, f"{name} is what only the user changes"))
        for kind, pattern in ((Gate.DEPENDENCIES, _DEPENDENCIES), (Gate.CI, _CI), (Gate.LINT, _LINT)):
            if pattern.search(file.path):
                hits.append(GateHit(kind, file.path, numbers, kind.value))
                break
        hits += [
            GateHit(Gate.WEAKENED, file.path, (number,), ", ".join(found_badges[number]))
            for number in numbers
            if number in found_badges
        ]
        hits += _secrets(file, read_blob)
    return hits + _deletions(changes, tracked_count)


def _secrets(file: FileChange, read_blob: Callable[[str], bytes]) -> list[GateHit]:
    if not file.new_blob or file.binary:
        return []
    text = read_blob(file.new_blob).decode(errors="surrogateescape")
    old = read_blob(file.old_blob).decode(errors="surrogateescape") if file.old_blob else ""
    known = {old[hit.start : hit.end] for hit in find(old, file.path)}
    hits = [hit for hit in find(text, file.path) if text[hit.start : hit.end] not in known]
    if not hits:
        return []
    lines = {text.count("\n", 0, hit.start) + 1 for hit in hits}
    numbers = tuple(
        hunk.number
        for hunk in file.hunks
        if hunk.whole_file
        or any(hunk.new_start <= line < hunk.new_start + len(hunk.new_lines) for line in lines)
    )
    kinds = ", ".join(sorted({hit.kind for hit in hits}))
    return [GateHit(Gate.SECRETS, file.path, numbers, f"looks like a secret ({kinds})")]


def _deletions(changes: ChangeSet, tracked_count: int) -> list[GateHit]:
    arrived = [file.new_blob for file in changes.files if file.status == "added"]
    deleted: list[FileChange] = []
    for file in changes.files:
        if file.status != "deleted":
            continue
        if file.old_blob in arrived:  # moved, not lost
            arrived.remove(file.old_blob)
        else:
            deleted.append(file)
    count = len(deleted)
    if count == 0 or (count <= MANY_FILES and count * SHARE < tracked_count):
        return []
    numbers = tuple(hunk.number for file in deleted for hunk in file.hunks)
    text = f"{count} of {tracked_count} tracked files deleted"
    return [GateHit(Gate.DELETION, "", numbers, text)]
