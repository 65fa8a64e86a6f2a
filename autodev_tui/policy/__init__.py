"""The one gate: what an action at a level means, command parsing, protected paths, hard gates."""
