"""Roles: which prompt, tools and limits each kind of agent has (S09)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Role:
    """One kind of agent. `turns` bounds its model calls for a task; `ends_by` is the tool that ends it."""

    name: str
    system_prompt: str
    tools: tuple[str, ...]
    ends_by: str
    turns: int | None = None
    timeout_s: float = 3600.0


PLANNER = Role(
    name="planning",
    system_prompt="planner_system",
    tools=("ask_user", "list_files", "read_file", "search", "submit_plan"),
    ends_by="submit_plan",
    turns=40,
)
DEVELOPER = Role(
    name="development",
    system_prompt="developer_system",
    tools=(
        "ask_user",
        "delete_file",
        "edit_file",
        "finish",
        "list_files",
        "move_file",
        "read_file",
        "run_command",
        "search",
        "update_todos",
        "write_file",
    ),
    ends_by="finish",
)
ROLES = {role.name: role for role in (PLANNER, DEVELOPER)}


def role_for(name: str) -> Role:
    """The role a planned task asks for; development does what no other role is there for."""
    role = ROLES.get(name, DEVELOPER)
    return DEVELOPER if role is PLANNER else role
