"""The one gate: what an action at a level means (auto, ask or deny), command parsing, protected paths, hard gates."""
