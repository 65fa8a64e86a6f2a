"""A secret asked for at the bottom of a pane."""

from __future__ import annotations

from typing import ClassVar

from pydantic import SecretStr
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input

from autodev_tui.domain.commands import SetKey
from autodev_tui.domain.text import visible
from widgets.keys import bindings
from widgets.messages import CommandGiven
from widgets.table_pane import TablePane
from widgets.words import Label


class HiddenInput(Input):
    """Shows a star for every character, on every terminal."""

    @property
    def _value(self) -> Text:
        return Text("*" * len(self.value), no_wrap=True, overflow="ignore", end="")


class SecretWords(Vertical):
    """Where a secret is typed or pasted: nothing of it is shown, kept as a draft or written down."""

    DEFAULT_CSS = """
    SecretWords {
        dock: bottom;
        height: 2;
        background: $background;
        & Input { height: 1; border: none; padding: 0 1; background: transparent; }
        & Input:focus { border: none; background-tint: transparent 0%; }
    }
    """

    CONTEXT: ClassVar[str] = "secret"
    BINDINGS = bindings("secret")

    class Kept(Message):
        """`enter`: the secret."""

        def __init__(self, secret: SecretStr) -> None:
            super().__init__()
            self.secret = secret

    class Left(Message):
        """`escape`: nothing was kept."""

    def __init__(self, label: str) -> None:
        super().__init__()
        self.label = Label(label, "enter keep · esc back")
        self.field = HiddenInput(password=True)
        self.field.cursor_blink = False

    def compose(self) -> ComposeResult:
        """The rule above the field."""
        yield self.label
        yield self.field

    def on_mount(self) -> None:
        """It is typed at once."""
        self.field.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep it, if it is anything."""
        event.stop()
        self.action_keep()

    def action_keep(self) -> None:
        """Keep it, if it is anything."""
        if secret := self.field.value.strip():
            self.post_message(self.Kept(SecretStr(secret)))
        else:
            self.action_back()

    def action_back(self) -> None:
        """Keep nothing."""
        self.post_message(self.Left())


class KeyAsking(TablePane):
    """A pane that can ask for the key of the model's service."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._secret: SecretWords | None = None

    @property
    def own_foot(self) -> int:
        """The rows where a secret is typed."""
        return 2 if self._secret else 0

    def ask_key(self) -> None:
        """Ask for the key."""
        if self._secret is None:
            self._secret = SecretWords("Anthropic key, hidden")
            self.mount(self._secret)
            self.renew()

    def on_secret_words_kept(self, event: SecretWords.Kept) -> None:
        """Hand the key over; the field closes when it was taken."""
        event.stop()
        words = self._secret
        if words is None:
            return
        words.field.value = ""

        def refused(reason: str, moved: list[str]) -> None:
            words.label.say(visible(reason, keep=""))

        given = CommandGiven(
            SetKey(key=event.secret), "the key is kept", refused=refused, then=self._key_kept
        )
        self.post_message(given)

    def _key_kept(self) -> None:
        self._end_secret()
        self.ask()

    def on_secret_words_left(self, event: SecretWords.Left) -> None:
        """No key."""
        event.stop()
        self._end_secret()

    def _end_secret(self) -> None:
        words, self._secret = self._secret, None
        if words is not None:
            words.remove()
            self.focus()
        self.renew()
