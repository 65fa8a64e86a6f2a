"""The workbench's application: holds the bridge, and hands every update to the mirror and the screen."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, work
from textual.binding import BindingType
from textual.timer import Timer

from autodev_tui import domain
from autodev_tui.domain.mirror import Mirror
from screens.keyboard import Keyboard
from screens.looks import MEASURE, NARROW, ascii_for, theme_for
from screens.lost_terminal import survive_lost_terminal
from screens.notices import Notices
from screens.terminal_size import as_it_is, believe_the_terminal
from screens.workbench import Workbench
from widgets.keys import bindings
from widgets.needs_row import Offer

if TYPE_CHECKING:
    from textual.command import Provider

    from autodev_tui.bridge import EngineThread
    from autodev_tui.domain.commands import Command
    from autodev_tui.domain.requests import Answer, Refused, Request
    from autodev_tui.domain.updates import Update

RESTS_S = 0.05
"""How long a window has its size before it is taken for the one to paint for."""
SAVE_AFTER_S = 0.25
"""How the screen looks is kept so long after it changed."""
INTERRUPTED = 130
"""The exit code of whatever a signal ended."""
TO_DEMO = -1
"""Instead of an exit code: the demo is wanted, and this workbench again after it."""
LOOKS = 3
"""So often it is looked whether that changed, after a key or an update: what they cause may take a moment."""
TWICE_S = 2.0
"""A second ctrl+c within this time stops all agents."""


def _palette() -> type[Provider]:
    """The command palette's contents, loaded when it is first opened."""
    from screens.palette import WorkbenchCommands

    return WorkbenchCommands


class Autodev(Keyboard[int], inherit_bindings=False):
    """One window on one engine."""

    TITLE = "autodev"
    BINDINGS: ClassVar[list[BindingType]] = bindings("everywhere")
    COMMANDS = {_palette}
    DEFAULT_MODE = "workbench"
    CSS = "CommandPalette SearchIcon { display: none; }"
    PAUSE_GC_ON_SCROLL = True

    def __init__(
        self, bridge: EngineThread, *, session: str | None = None, now: Callable[[], float] = time.time
    ) -> None:
        super().__init__()
        self.bridge = bridge
        self._sized = False
        """The size that the first picture is drawn for is known."""
        self._painting: Timer | None = None
        self._wanted = session
        self.mirror = Mirror()
        self.now = now
        self.ascii_glyphs = False
        self._glyphs = ""
        """The setting."""
        self._measured = self._wide_glyphs = False
        self.bench = Workbench(now)
        self.add_mode(self.DEFAULT_MODE, lambda: self.bench)
        self.notices = Notices(now)
        self._saved: dict[str, Any] = {}
        self._touched = 0
        """How often how the screen looks is still to be compared with what is kept."""
        self._interrupts: list[float] = []
        self._leaving = False
        self.last_words = ""

    def on_mount(self) -> None:
        """Start the engine once the first frame is painted."""
        self.call_after_refresh(self._follow)
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                asyncio.get_running_loop().add_signal_handler(number, self._end)
        self.app_resume_signal.subscribe(self, lambda app: self.action_redraw())
        self.set_interval(SAVE_AFTER_S, self._keep_view)
        self.set_interval(0.25, self._spin)

    # -- the pipe

    @work(group="engine", exit_on_error=True)
    async def _follow(self) -> None:
        """The one dispatcher: updates to the mirror, the mirror to the screen."""
        from autodev_tui.bridge import EngineLost

        self.bridge.start()
        while True:
            try:
                async for update in self.bridge.updates():
                    await self._show(update)
                    if not gc.get_freeze_count():
                        # What is loaded stays: the collector need not look at it again while somebody types.
                        gc.freeze()
                        gc.enable()
                return
            except EngineLost as lost:
                gc.enable()
                self.bench.engine_lost(str(lost), lost.restarts_left)
                if not lost.restarts_left:
                    return
                await self.bridge.restart()

    async def _show(self, update: Update) -> None:
        changed = self.mirror.apply(update)
        self._touched = LOOKS
        if update.facts is not None:
            self._take_settings(update.facts.settings)
        refused = None
        if self._wanted and update.reset:
            wanted, self._wanted = self._wanted, None
            refused = await self.submit(domain.commands.OpenSession(session=wanted))
            if refused is None:
                return  # the first update of that session follows
        await self.bench.updated(update, changed)
        if refused:
            self.bench.say(refused.reason, "failed")
        self.notices.look(self, self.mirror)

    async def submit(self, command: Command) -> Refused | None:
        """Tell the engine; what it does not carry out comes back with the reason."""
        return await self.bridge.submit(command)

    async def ask(self, request: Request) -> Answer:
        """Ask the engine's side."""
        return await self.bridge.ask(request)

    def _take_settings(self, settings: dict[str, Any]) -> None:
        setting = str(settings.get("theme") or "")
        theme = theme_for(setting, os.environ, self.available_themes)
        if not theme:
            self.bench.say(
                f"no theme {setting} · there are {', '.join(sorted(self.available_themes))}", "failed"
            )
        elif theme != self.theme:
            self.theme = theme
        self._glyphs = str(settings.get("glyphs") or "")
        self._measure_glyphs()
        self._take_glyphs()
        keys = settings.get("keys")
        if isinstance(keys, dict):
            self.set_keymap({str(name): str(key) for name, key in keys.items()})
        self.notices.mode = str(settings.get("notify") or "bell")

    def _measure_glyphs(self) -> None:
        """Ask the terminal once how wide its glyphs are; one that does not answer has narrow ones."""
        settled = self._glyphs == "unicode" or ascii_for(self._glyphs, os.environ)
        if settled or self._measured or self.is_headless or self._driver is None:
            return
        self._measured = True
        self._driver.write(MEASURE)
        self._driver.flush()
        self.bench.query_one("#header").refresh()

    def on_cursor_position(self, event: events.CursorPosition) -> None:
        """The terminal's answer."""
        self._wide_glyphs = event.y == 0 and event.x > NARROW
        self._take_glyphs()

    def _take_glyphs(self) -> None:
        ascii_glyphs = ascii_for(self._glyphs, os.environ, wide=self._wide_glyphs)
        if ascii_glyphs != self.ascii_glyphs:
            self.ascii_glyphs = ascii_glyphs
            self.bench.refresh(layout=True)
            for widget in self.bench.query("*"):
                widget.refresh()

    # -- time

    def _spin(self) -> None:
        if self.animation_level == "none" or self.no_color:
            return
        if self.mirror.working and self.is_running:
            self.bench.frame_number += 1
            self.bench.draw()

    def _keep_view(self) -> None:
        """Keep how the screen looks, when it changed: the next start shows the same."""
        going = self._leaving or not self.is_running
        if going or not self._touched or not self.bench.restored or self.mirror.facts.owner:
            return
        self._touched -= 1
        view = self.bench.view()
        known = {name: value for name, value in view.items() if name != "at"}
        if known != self._saved:
            self._saved = known
            self.run_worker(self._save(view), group="view", exclusive=True)

    async def _save(self, view: dict[str, Any]) -> None:
        name = self.mirror.session.id if self.mirror.session else ""
        await self.bridge.submit(domain.commands.SaveView(name=name, view=view))

    # -- keys that hold everywhere

    async def on_event(self, event: events.Event) -> None:
        """What the last key said goes with the next one."""
        if isinstance(event, events.InputEvent | events.Paste | events.Resize):
            self._touched = LOOKS
        if isinstance(event, events.Resize) and not self.is_headless:
            event = as_it_is(event)
            if self._sized:
                self._paint_soon()
            self._sized = True
        if isinstance(event, events.Key) and not event.is_forwarded:
            self.bench.hush()
        await super().on_event(event)

    def _paint_soon(self) -> None:
        """Paint all anew once the window rests: what a smaller one cut off is lost, also where it grew again
        before anybody drew for it."""
        if self._painting:
            self._painting.stop()
        self._painting = self.set_timer(RESTS_S, self.action_redraw)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Where nothing can be seen only leaving works."""
        return (action == "leave" or self.bench.arranged.fits) and super().check_action(action, parameters)

    def took_nothing(self, key: str) -> None:
        """Say where the keys are."""
        if self.screen is self.bench and self.bench.arranged.fits:
            self.bench.say(f"{key} does nothing here · ? keys", "muted")

    def action_interrupt(self) -> None:
        """Copy the selection; else stop the agent in front, the second time all of them."""
        text = self.screen.get_selected_text()
        if text:
            self.copy_to_clipboard(text)
            self.bench.say(f"copied {len(text)} characters")
            return
        now = self.now()
        self._interrupts = [at for at in self._interrupts if now - at < TWICE_S] + [now]
        if len(self._interrupts) > 2:
            self.bench.say("all agents are stopped · ctrl+q leaves", "muted")
        elif len(self._interrupts) == 2:
            for task in sorted(self.mirror.working):
                self.bench.command(domain.commands.PauseTask(task=task, now=True), "all agents stopped")
        elif (front := self.bench.agents.front) and front in self.mirror.working:
            words = f"‖ {front} paused by you · x continue · i say what to change"
            self.bench.command(domain.commands.PauseTask(task=front, now=True), words)
        else:
            self.bench.say("no agent works in front · ctrl+q leaves", "muted")

    async def action_leave(self) -> None:
        """Leave; where agents would pause, that is said first."""
        working = len(self.mirror.working)
        unseen = not self.bench.arranged.fits
        if not working or self._leaving or self.bench.needs_row.offer or unseen:
            await self._leave()
            return
        who = "1 agent pauses" if working == 1 else f"{working} agents pause"
        words = f"{who} at the next step, autodev goes on from there · enter leave · escape stay"
        self.bench.offer(Offer([(words, "asks")], self._leave_now, self.bench.focus_front))

    def _leave_now(self) -> None:
        self.run_worker(self._leave())

    def _end(self) -> None:
        """Somebody, or the terminal that went away, wants the program to end: it leaves in order."""
        self.run_worker(self._leave(INTERRUPTED), group="leave")

    async def _leave(self, code: int = 0) -> None:
        if self._leaving:
            return
        self._leaving = True
        working = len(self.mirror.working)
        view = {**self.bench.view(), "left": True, "running": bool(self.mirror.facts.busy)}
        if self.bench.restored and not self.mirror.facts.owner:
            await self._save(view)
        await self.bridge.aclose()
        agents = f"{working} agent{'s' if working != 1 else ''} paused · " if working else ""
        self.last_words = f"{agents}autodev brings everything back"
        self.exit(code)

    def action_keys(self) -> None:
        """The keys that work here."""
        self.run_worker(self.bench.show_keys(), exclusive=True, group="keys")

    def action_palette(self) -> None:
        """Everything there is to do."""
        from screens.palette import Palette

        if not isinstance(self.screen, Palette):
            self.push_screen(Palette())

    def action_redraw(self) -> None:
        """Paint everything anew."""
        self.refresh(repaint=True, layout=True)

    def _fatal_error(self) -> None:
        """A bug ends the screen, not the work. Local values may be secret: they are not shown."""
        import rich
        from rich.console import Group
        from rich.segment import Segments
        from rich.traceback import Traceback

        self.bell()
        traceback = Traceback(show_locals=False, width=100, suppress=[rich])
        shown = Segments(self.console.render(traceback, self.console.options))
        words = "autodev's screen ended by an error of its own · nothing is lost: start autodev again"
        # What follows from the first error says nothing new.
        self._exit_renderables = self._exit_renderables[:1] or [Group(shown, words)]
        self._close_messages_no_wait()

    @property
    def offers_demo(self) -> bool:
        """Whether there is a demo to go to: not from the demo itself."""
        return not self.mirror.facts.demo

    def action_demo(self) -> None:
        """Leave for the demo; what is here comes back after it."""
        if self.mirror.facts.demo:
            self.bench.say("this is the demo", "muted")
        else:
            self.run_worker(self._leave(TO_DEMO), group="leave")

    def action_suspend(self) -> None:
        """To the shell; `fg` comes back."""
        self.action_suspend_process()


def run_workbench(directory: Path, session: str | None = None) -> int:
    """Run the workbench in `directory` until it is left; the exit code, or TO_DEMO."""
    from autodev_tui.bridge import EngineThread

    app = Autodev(EngineThread(directory), session=session)
    code = run_app(app)
    if app.last_words and code != TO_DEMO:
        print(app.last_words, file=sys.stderr)
    return code


def run_app(app: Autodev) -> int:
    """Run a workbench until it is left; its exit code, or TO_DEMO."""
    survive_lost_terminal()
    believe_the_terminal()
    # The engine's thread gives way to a key press after a millisecond, not after five.
    sys.setswitchinterval(0.001)
    code = app.run()
    app.bridge.end()
    return (app.return_code or 0) if code is None else code
