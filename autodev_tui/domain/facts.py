"""What is true of the engine as a whole: known from the first picture on, so it is made without pydantic."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Self


@dataclass(frozen=True, kw_only=True)
class EngineFacts:
    """What is true of the engine as a whole."""

    __pydantic_config__ = {"extra": "forbid"}

    repository: str = ""
    """Name of the repository's folder."""
    root: str = ""
    """The repository's folder itself."""
    branch: str = ""
    model: str = ""
    """Provider and model that work; "" when there is none."""
    model_problem: str = ""
    """Why no model can be asked."""
    sandbox: str = ""
    """`bubblewrap`, `landlock` or "" when none works, or it is not known yet."""
    sandbox_problem: str = ""
    """Why none works; "" with no sandbox: it is being tried."""
    busy: bool = False
    """A session runs."""
    agents: int = 5
    """How many may work at once."""
    untrusted: list[str] = field(default_factory=list)
    """Files that the repository brings and that count for nothing until trusted."""
    dirty: int = 0
    """Tracked files with changes of the user's own."""
    owner: str = ""
    """Who drives, when this front end may only watch: `pid 4711 on pts/3`."""
    interrupted: str = ""
    """A session that was going on when its engine ended."""
    settings: dict[str, Any] = field(default_factory=dict)
    """What the front end must know: theme, glyphs, notifications, keys."""
    stopped: str = ""
    """What keeps all agents from going on, such as a full disk; they go on by themselves once it is over."""
    problems: list[str] = field(default_factory=list)
    """Configuration that was not taken over, with file, line and reason."""
    demo: bool = False
    """The model is recorded, and the repository a sample."""
    hint: str = ""
    """What to do next in the demo; it is shown where nothing waits."""

    def but(self, **changes: Any) -> Self:
        """The same with some facts changed."""
        return replace(self, **changes)
