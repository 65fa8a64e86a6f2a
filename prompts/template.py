"""Template files: what their header says, how they are compiled, and where in them an error is."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from prompts.errors import PromptError
from prompts.safety import untrusted

if TYPE_CHECKING:
    from jinja2 import Environment

CATEGORIES = ("codebase_analysis", "implementation_plan", "code_generation", "documentation", "testing")
"""S24's five categories, each with at least one template."""
CODEBASE_ANALYSIS_KEYS = (
    "architecture_pattern",
    "code_style_guide",
    "existing_patterns",
    "dependencies",
    "recommendations",
)
"""The keys of the JSON object that the template `codebase_analysis` asks for."""
SUFFIX = ".j2"
_HEADER = re.compile(r"\A\s*\{#-?(?P<body>.*?)-?#\}", re.DOTALL)
_ENTRY = re.compile(r"^[ \t]*(?P<key>version|category|trim)[ \t]*:[ \t]*(?P<value>.*?)[ \t]*$", re.MULTILINE)
_RANDOM = ("random",)
"""Filters whose result is not the same every time; `lipsum` among the globals is another."""


@dataclass(frozen=True)
class Template:
    """One template and what its header says."""

    name: str
    category: str
    version: int | None
    """Of the header; None for a repository's own template that names none."""
    trim: tuple[str, ...]
    """Variables that may be left out when room is short, the least needed first."""
    variables: frozenset[str]
    """What it may use: a repository's own template gets the same as the one it replaces, and no more."""
    place: str
    """The file, as a human knows it."""
    text: str
    overridden: bool = False

    @property
    def label(self) -> str:
        """Name and version, as it is recorded with each use: `task_request@2`, `task_request@own`."""
        version = self.version if self.version is not None else "?"
        return f"{self.name}@{f'own {version}' if self.overridden else version}"


@cache
def shipped_names() -> tuple[str, ...]:
    """The names of all templates."""
    folder = resources.files(__package__ or "prompts")
    return tuple(
        sorted(file.name.removesuffix(SUFFIX) for file in folder.iterdir() if file.name.endswith(SUFFIX))
    )


@cache
def shipped(name: str) -> Template:
    """The template of this name that comes with the program. Raises PromptError."""
    if name not in shipped_names():
        raise PromptError(f"prompt {name}: there is no such template; there are {', '.join(shipped_names())}")
    text = (resources.files(__package__ or "prompts") / f"{name}{SUFFIX}").read_text(encoding="utf-8")
    place = f"prompts/{name}{SUFFIX}"
    header = _header(text, place)
    category, version = header.get("category", ""), header.get("version")
    if category not in CATEGORIES or version is None:
        raise PromptError(f"{place}:1: the header needs a version and one of the categories")
    variables = frozenset(used_variables(text, place))
    return Template(name, category, int(version), _listed(header), variables, place, text)


def replacing(name: str, text: str, place: str) -> Template:
    """The repository's own `text` in the place of the shipped template. Raises PromptError with its line."""
    base = shipped(name)
    header = _header(text, place)
    used = used_variables(text, place)
    for variable, line in used.items():
        if variable not in base.variables:
            known = ", ".join(sorted(base.variables)) or "none"
            raise PromptError(
                f"{place}:{line}: the variable {variable} is not there for {name} · it has: {known}"
            )
    trim = _listed(header) if "trim" in header else base.trim
    for variable in trim:
        if variable not in base.trim:
            raise PromptError(
                f"{place}:{_line_of(text, 'trim')}: {variable} must not be trimmed · what may be: "
                f"{', '.join(base.trim) or 'nothing'}"
            )
    # What the header does not name is trimmed all the same, after what it names.
    trim = (*trim, *(variable for variable in base.trim if variable not in trim))
    version = header.get("version")
    return Template(
        name,
        base.category,
        int(version) if version else None,
        trim,
        base.variables,
        place,
        text,
        overridden=True,
    )


def _header(text: str, place: str) -> dict[str, str]:
    found = {entry["key"]: entry["value"] for entry in _entries(text)}
    if "version" in found and not re.fullmatch(r"[1-9][0-9]{0,5}", found["version"]):
        raise PromptError(
            f"{place}:{_line_of(text, 'version')}: version: {found['version'][:40]!r} is no number"
        )
    return found


def _entries(text: str) -> list[re.Match[str]]:
    """The lines `key: value` of the comment that a template begins with."""
    comment = _HEADER.match(text)
    return list(_ENTRY.finditer(comment["body"])) if comment else []


def _listed(header: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(name.strip() for name in header.get("trim", "").split(",") if name.strip())


def _line_of(text: str, key: str) -> int:
    entry = next(entry for entry in _entries(text) if entry["key"] == key)
    comment = _HEADER.match(text)
    assert comment is not None
    return text.count("\n", 0, comment.start("body") + entry.start("key")) + 1


def used_variables(text: str, place: str) -> dict[str, int]:
    """The variables that a template needs to be given, with the first line each is on. Raises PromptError."""
    from jinja2 import TemplateSyntaxError, meta, nodes

    try:
        tree = environment(_nothing, _nothing).parse(text)
        needed = meta.find_undeclared_variables(tree)
    except TemplateSyntaxError as error:
        raise PromptError(f"{place}:{error.lineno}: {error.message}") from error
    except RecursionError as error:
        raise PromptError(f"{place}: is nested too deeply") from error
    lines: dict[str, int] = {}
    for node in tree.find_all(nodes.Name):
        if node.name in needed:
            lines[node.name] = min(node.lineno, lines.get(node.name, node.lineno))
    return {name: lines.get(name, 1) for name in sorted(needed)}


def _nothing(name: str) -> str | None:
    """No template: for parsing alone."""
    return None


def environment(text_of: Callable[[str], str | None], place_of: Callable[[str], str | None]) -> Environment:
    """A sandbox in which templates cannot reach anything but their values, and render the same every time."""
    from jinja2 import FunctionLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def load(file: str) -> tuple[str, str | None, None] | None:
        name = file.removesuffix(SUFFIX)
        text = text_of(name)
        # With a file name jinja's tracebacks name the place of an error.
        return None if text is None else (text, place_of(name), None)

    made = ImmutableSandboxedEnvironment(
        loader=FunctionLoader(load),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    made.globals.pop("lipsum", None)
    for name in _RANDOM:
        made.filters.pop(name, None)
    made.filters["untrusted"] = untrusted
    return made


def error_place(error: BaseException, places: Collection[str], fallback: str) -> str:
    """`file:line` where rendering failed: the innermost frame that is of one of the files `places`."""
    line = getattr(error, "lineno", None)
    file = getattr(error, "filename", None)
    found = f"{file}:{line}" if line and file in places else ""
    trace = error.__traceback__
    while trace is not None and not getattr(error, "lineno", None):
        if trace.tb_frame.f_code.co_filename in places:
            found = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
        trace = trace.tb_next
    return found or fallback


def described(value: Any) -> str:
    """What a left-out item is called: the name of a (name, text) pair, nothing for the rest."""
    return str(value[0]) if isinstance(value, (tuple, list)) and len(value) == 2 else ""
