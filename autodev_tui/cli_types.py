"""What the command line is made of: groups and values that name the nearest match, and refuse in words."""

from __future__ import annotations

import contextlib
import difflib
import math
from collections.abc import Iterator
from typing import Any

import click

from autodev_tui.cli_errors import json_asked, print_error_document


class NearestGroup(click.Group):
    """A group that names the nearest command when one is misspelt."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """See click. Raises UsageError with the nearest match."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            near = difflib.get_close_matches(args[0], self.list_commands(ctx), 1)
            hint = f" · did you mean {near[0]}" if near else ""
            raise click.UsageError(f"no command {args[0]!r}{hint}", ctx)
        return super().resolve_command(ctx, args)


class MainGroup(NearestGroup):
    """The command line as a whole: what cannot be parsed has its document too, when one is asked for."""

    _json = False

    def make_context(self, *args: Any, **more: Any) -> click.Context:
        """See click."""
        self._json = json_asked(args[1] if len(args) > 1 else more["args"])
        with self._documented():
            return super().make_context(*args, **more)

    def invoke(self, ctx: click.Context) -> Any:
        """See click."""
        with self._documented():
            return super().invoke(ctx)

    @contextlib.contextmanager
    def _documented(self) -> Iterator[None]:
        try:
            yield
        except click.ClickException as error:
            if self._json:
                context = getattr(error, "ctx", None)
                verb = context.command.name if context else None
                print_error_document(verb or "", error.format_message(), error.exit_code)
            raise


class Positive(click.ParamType[float]):
    """A number above zero that is one: `nan` and `inf` are no limits."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """See click. Raises BadParameter."""
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not (math.isfinite(number) and number > 0):
            self.fail(f"{value!r} is no number above 0", param, ctx)
        return number


class PlainText(click.ParamType[str]):
    """Text that is UTF-8: anything else could be neither stored nor sent."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """See click. Raises BadParameter."""
        text = str(value)
        try:
            text.encode()
        except UnicodeEncodeError:
            self.fail("is not UTF-8 · save or type it as UTF-8", param, ctx)
        return text


class NearestChoice(click.Choice[str]):
    """A choice that names the nearest value when one is misspelt."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See click. Raises BadParameter with the nearest match."""
        if value not in self.choices:
            near = difflib.get_close_matches(str(value), list(self.choices), 1)
            hint = f" · did you mean {near[0]}" if near else ""
            self.fail(f"{value!r} is none of {', '.join(self.choices)}{hint}", param, ctx)
        return super().convert(value, param, ctx)
