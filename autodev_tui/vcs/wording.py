"""What a change is called: its conventional type, its scope, and a title in the imperative."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

_VERBS = {
    "fix": "fix correct repair mend heal resolve handle prevent avoid stop restore recover guard patch catch",
    "feat": "add implement support introduce create allow enable provide expose accept build let offer show "
    "make list give teach",
    "refactor": "refactor rename move extract simplify restructure inline split merge rework reorganize "
    "deduplicate clean convert rewrite tidy group wrap",
    "docs": "document explain describe",
    "perf": "optimize speed cache",
    "test": "test cover verify assert",
    "revert": "revert",
    "chore": "update bump remove delete drop configure set upgrade use change replace improve check run "
    "apply ensure adjust keep return raise write read print parse validate log limit reject ignore put sort "
    "load save open send retry skip warn hide turn",
}
_TYPE_OF_VERB = {verb: kind for kind, verbs in _VERBS.items() for verb in verbs.split()}
_DEFAULT_VERB = {
    "fix": "fix",
    "feat": "add",
    "docs": "document",
    "test": "test",
    "refactor": "rework",
    "build": "update",
    "ci": "update",
    "chore": "update",
}
_FIX_WORDS = re.compile(
    r"\b(bugs?|crash(es|ing)?|regressions?|wrong|broken|fail(s|ing|ure|ures)?|typos?|put\b.*\bright)\b", re.I
)

_CI = re.compile(
    r"(^|/)(\.github/|\.gitlab-ci|\.circleci/|\.buildkite/|\.travis|azure-pipelines|jenkinsfile)", re.I
)
_BUILD_NAMES = re.compile(
    r"pyproject\.toml|setup\.(py|cfg)|requirements.*\.(txt|in)|(uv|poetry|yarn|pipfile|cargo|gemfile)\.lock|pipfile"
    r"|package(-lock)?\.json|pnpm-lock\.yaml|cargo\.toml|go\.(mod|sum)|makefile|dockerfile|cmakelists\.txt"
    r"|build\.gradle|pom\.xml|gemfile"
)
_GENERIC_FOLDERS = frozenset({"src", "lib", "pkg", "packages", "app", "internal", "source"})


def is_test_path(path: str) -> bool:
    """Whether a path holds tests by the usual names."""
    folders, name = path.lower().split("/")[:-1], PurePosixPath(path).name.lower()
    stem = name.split(".")[0]
    return (
        bool({"tests", "test", "__tests__", "spec", "specs"} & set(folders))
        or stem.startswith("test_")
        or stem.endswith(("_test", "_spec"))
        or ".test." in name
        or ".spec." in name
        or name == "conftest.py"
    )


def kind_of_path(path: str) -> str:
    """`test`, `docs`, `ci`, `build`, `chore` for paths that are nothing else; empty for source code."""
    name = PurePosixPath(path).name.lower()
    if is_test_path(path):
        return "test"
    if _CI.search(path):
        return "ci"
    if _BUILD_NAMES.fullmatch(name):
        return "build"
    docs = name.endswith((".md", ".rst", ".adoc")) or path.lower().startswith(("docs/", "doc/"))
    if docs or name in ("license", "readme", "changelog", "authors"):
        return "docs"
    return "chore" if name.startswith(".") else ""


def kind_of_change(title: str, paths: Sequence[str], added: bool) -> str:
    """The conventional type: by the paths where they agree, else by the title, else by new files."""
    kinds = {kind_of_path(path) for path in paths}
    if len(kinds) == 1 and (only := kinds.pop()):
        return only
    by_verb = _TYPE_OF_VERB.get(_base_form((title.split() or [""])[0]), "")
    if by_verb not in ("", "chore", "test", "docs"):
        return by_verb
    if _FIX_WORDS.search(title):
        return "fix"
    # Source changed: what the title says of tests or documents is not what the commit mainly is.
    return "feat" if added and by_verb != "chore" else "chore"


def common_scope(paths: Sequence[str]) -> str:
    """The last telling folder that all changed source files share, or nothing."""
    source = [path for path in paths if not kind_of_path(path)] or list(paths)
    folders = [path.split("/")[:-1] for path in source]
    common: list[str] = []
    for level in zip(*folders, strict=False):
        if len(set(level)) > 1:
            break
        common.append(level[0])
    names = [name for name in common if name.lower() not in _GENERIC_FOLDERS]
    return scope_name(names[-1]) if names else ""


def scope_name(name: str) -> str:
    """The name as a scope may be written; empty where it cannot."""
    clean = name.lower().strip(".")
    return clean if re.fullmatch(r"[a-z0-9][a-z0-9._/-]*", clean) else ""


def _base_form(word: str) -> str:
    """The imperative of a verb as titles begin with it (`Fixes`, `added`, `moving`), if it is known."""
    low = word.lower().strip(".,:;")
    stems = [low]
    for ending in ("es", "s", "ed", "d", "ing"):
        if low.endswith(ending):
            stem = low.removesuffix(ending)
            stems += [stem, f"{stem}e", stem[:-1] if stem[-2:-1] == stem[-1:] else stem]
            stems += [f"{stem[:-1]}y"] if stem.endswith("i") else []
    return next((stem for stem in stems if stem in _TYPE_OF_VERB), "")


def imperative(title: str, kind: str) -> str:
    """The subject: a known verb first, in the imperative, small letter, no full stop at the end."""
    text = title.strip().rstrip(".").rstrip()
    first, _, rest = text.partition(" ")
    verb = _base_form(first)
    if verb:
        return f"{verb} {rest}".strip() if rest else f"{verb} the code"
    if first[:1].isupper() and first[1:].islower() and kind in _DEFAULT_VERB:
        text = first.lower() + text[len(first) :]
    return f"{_DEFAULT_VERB.get(kind, 'update')} {text or 'files'}"
