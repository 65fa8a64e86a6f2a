"""What `/` offers in the composer, and the palette with it: one table of commands with their help."""

from __future__ import annotations

from dataclasses import dataclass

from autodev_tui.domain.levels import Level


@dataclass(frozen=True)
class SlashCommand:
    """One command: `/level guided`."""

    name: str
    words: str
    """What it does, verb first."""
    argument: str = ""
    """How its argument is called, "" for none."""
    choices: tuple[str, ...] = ()
    """What the argument may be; empty: free words."""
    required: bool = False
    """It says nothing without its argument."""


COMMANDS = (
    SlashCommand("goal", "start a new goal", "TEXT"),
    SlashCommand("level", "set the autonomy level; alone: see it", "NAME", tuple(Level)),
    SlashCommand("agents", "set how many agents work at once", "N", required=True),
    SlashCommand("pause", "hold every agent before its next step"),
    SlashCommand("continue", "let paused agents go on"),
    SlashCommand("cancel", "end this session; nothing is lost"),
    SlashCommand("land", "see what would be landed, and decide it"),
    SlashCommand("plan", "see the plan"),
    SlashCommand("review", "see what waits for review"),
    SlashCommand("questions", "see what agents ask"),
    SlashCommand("checkpoints", "see the timeline of checkpoints"),
    SlashCommand("usage", "see money, tokens and time"),
    SlashCommand("sessions", "see all sessions of this repository"),
    SlashCommand("rules", "see remembered approvals, revoke them"),
    SlashCommand("settings", "see and change every option", "NAME"),
    SlashCommand("models", "see all models, choose one for new goals"),
    SlashCommand("ollama", "use models of this machine"),
    SlashCommand("demo", "try the demo: offline, a sample repository, a recorded model"),
    SlashCommand("start", "see the first screen: what is missing, goals to begin with"),
    SlashCommand("doctor", "see what is wrong here and what to do"),
    SlashCommand("prompts", "see the prompts that hold here"),
    SlashCommand("log", "see the latest notices and errors"),
    SlashCommand("export", "read this session as a document"),
    SlashCommand("drive", "take over from the client that drives"),
    SlashCommand("key", "keep a key for Anthropic"),
    SlashCommand("quit", "leave; agents go on"),
    SlashCommand("help", "see the keys"),
)
BY_NAME = {command.name: command for command in COMMANDS}
