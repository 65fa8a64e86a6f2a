"""The tools that models are offered: names, descriptions, flat JSON schemas, and validation in words."""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from autodev_tui.tools import arguments as a
from autodev_tui.tools.base import MAX_FILE_BYTES, ToolProblem

_SHOWN_ERRORS = 3


@dataclass(frozen=True)
class Tool:
    """One tool as it is offered to a model, and the model of its arguments."""

    name: str
    description: str
    schema: dict[str, Any]
    model: type[a.Arguments]


def _tool(name: str, model: type[a.Arguments], description: str) -> Tool:
    return Tool(name, description, _flat(model), model)


def _flat(model: type[a.Arguments]) -> dict[str, Any]:
    """The JSON schema without references, titles, defaults and `anyOf`, which some adapters drop."""
    schema = model.model_json_schema()
    flat: dict[str, Any] = _flatten(schema, schema.get("$defs", {}))
    return flat


def _flatten(node: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_flatten(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = definitions[node["$ref"].rpartition("/")[2]]
        return _flatten(
            {**target, **{key: value for key, value in node.items() if key != "$ref"}}, definitions
        )
    if "anyOf" in node:
        (kept,) = [option for option in node["anyOf"] if option.get("type") != "null"]
        node = {**kept, **{key: value for key, value in node.items() if key != "anyOf"}}
    out: dict[str, Any] = {}
    for key, value in node.items():
        if key == "properties":
            out[key] = {name: _flatten(inner, definitions) for name, inner in value.items()}
        elif key not in ("title", "default", "$defs") and not (key == "description" and "properties" in node):
            out[key] = _flatten(value, definitions)
    return out


TOOLS: dict[str, Tool] = {
    tool.name: tool
    for tool in (
        _tool(
            "read_file",
            a.ReadFile,
            "Read a text file. Lines come numbered; the numbers and the tab are not part of the text.",
        ),
        _tool("list_files", a.ListFiles, "List the repository's files; ignored ones are left out."),
        _tool("search", a.Search, "Search the repository's files with a regular expression."),
        _tool(
            "edit_file",
            a.EditFile,
            "Replace text in a file. old_text must be exactly the file's text and occur once (more context if"
            " not). One small replacement per call.",
        ),
        _tool(
            "write_file",
            a.WriteFile,
            "Create a file, or replace all of one that you have read. Prefer edit_file for changes.",
        ),
        _tool("delete_file", a.DeleteFile, "Delete one file."),
        _tool("move_file", a.MoveFile, "Move or rename one file; nothing is overwritten."),
        _tool(
            "run_command",
            a.RunCommand,
            "Run a shell command at the repository's root, in a sandbox without network. Use it for tests and"
            " checks; read and search with the other tools.",
        ),
        _tool("update_todos", a.UpdateTodos, "Replace your list of what is to do."),
        _tool(
            "ask_user",
            a.AskUser,
            "Ask the human one question. Give options when you could go on with the first of them.",
        ),
        _tool("finish", a.Finish, "End the task with a short, honest summary."),
        _tool("submit_plan", a.SubmitPlan, "Hand in the plan as tasks with dependencies."),
    )
}
READING = frozenset({"read_file", "list_files", "search"})
EDITING = frozenset({"edit_file", "write_file", "delete_file", "move_file"})
TALKING = frozenset({"update_todos", "finish", "submit_plan"})
"""Tools that change nothing but what is known of the task."""


def validate(
    name: str, args: dict[str, Any] | None, allowed: Collection[str] = tuple(TOOLS)
) -> a.Arguments | ToolProblem:
    """The arguments of a call, or what is wrong with it in one line for the model."""
    tool = TOOLS.get(name)
    if tool is None or name not in allowed:
        near = difflib.get_close_matches(name, allowed, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(sorted(allowed))}"
        what = "no tool of that name" if tool is None else "not a tool of your role"
        return ToolProblem(f"{name[:60]!a}: {what}; {hint}", denied=tool is not None)
    if args is None:
        return ToolProblem(f"{name}: the arguments are not a JSON object; expected {_signature(tool)}")
    try:
        found = tool.model.model_validate(args)
    except ValidationError as error:
        lines = [_words(tool, one) for one in error.errors(include_url=False, include_context=False)]
        more = f" (and {len(lines) - _SHOWN_ERRORS} more)" if len(lines) > _SHOWN_ERRORS else ""
        return ToolProblem(f"{name}: {'; '.join(lines[:_SHOWN_ERRORS])}{more}. Expected {_signature(tool)}")
    return _text_problem(name, "", args) or found


def _text_problem(name: str, place: str, value: Any) -> ToolProblem | None:
    """Text that cannot be kept: lone surrogates (they would pass for raw bytes), or too much of it."""
    if isinstance(value, dict):
        inner = [(f"{place}.{key}".lstrip("."), item) for key, item in value.items()]
    elif isinstance(value, list):
        inner = [(f"{place}[{index}]", item) for index, item in enumerate(value)]
    elif isinstance(value, str):
        try:
            size = len(value.encode())
        except UnicodeEncodeError:
            return ToolProblem(f"{name}: {place} is not valid Unicode text (a lone surrogate)")
        if size > MAX_FILE_BYTES:
            return ToolProblem(
                f"{name}: {place} has {size:,} bytes, the limit is {MAX_FILE_BYTES:,}; use smaller parts"
            )
        return None
    else:
        return None
    return next((problem for key, item in inner if (problem := _text_problem(name, key, item))), None)


def _words(tool: Tool, error: Any) -> str:
    place = ".".join(str(part) for part in error["loc"]) or "the arguments"
    match error["type"]:
        case "missing":
            return f"{place} is missing"
        case "extra_forbidden":
            known = list(tool.model.model_fields)
            near = difflib.get_close_matches(str(error["loc"][-1]), known, n=1, cutoff=0.5)
            return f"{ascii(place)[1:-1]} is unknown" + (f", did you mean {near[0]}?" if near else "")
        case _:
            given = json.dumps(error.get("input"), default=str)
            return f"{place}: {error['msg'].lower()}, got {given[:60]}{'…' if len(given) > 60 else ''}"


def _signature(tool: Tool) -> str:
    """The schema in one line, as in {"path": string, "limit"?: integer}."""
    return _shape(tool.schema)


def _shape(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return "|".join(json.dumps(value) for value in schema["enum"])
    if schema.get("type") == "array":
        return f"[{_shape(schema.get('items', {}))}]"
    if "properties" not in schema:
        return str(schema.get("type", "any"))
    required = schema.get("required", ())
    fields = (
        f'"{name}"{"" if name in required else "?"}: {_shape(inner)}'
        for name, inner in schema["properties"].items()
    )
    return "{" + ", ".join(fields) + "}"
