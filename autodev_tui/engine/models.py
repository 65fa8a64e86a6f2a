"""Which model works for whom: the session's own, or the one that a task was given."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from autodev_tui.domain.task import Task
    from autodev_tui.providers.base import ModelLimits, Provider
    from autodev_tui.providers.ollama_look import Installed


class Model(NamedTuple):
    """A model that can be asked; `spec` is its specification, as in `anthropic/NAME`."""

    provider: Provider
    name: str
    spec: str


Maker = Callable[[str], Model]
"""Makes the model of a specification: sync, sends nothing, may read a small file. Raises ProviderError."""


class Models:
    """One provider for each specification in use, made when it is first asked for."""

    def __init__(
        self, own: Model, maker: Maker | None = None, environment: Mapping[str, str] | None = None
    ) -> None:
        self.own = own
        """The session's."""
        self.planning = ""
        """What plans since the session's model failed for good; empty while that works."""
        self.failed: dict[str | None, dict[str, str]] = {}
        """By task (None: the plan): what failed for it in this run, and why."""
        self.elsewhere: set[str] = set()
        """Specifications of models that work on somebody else's machine, as their servers told."""
        self._maker = maker
        self._environment = environment
        self._made: dict[str, Model] = {}

    def of(self, task: Task | None) -> Model:
        """What works on `task`; None: what plans. Raises ProviderError: it cannot be made any more."""
        return self.get(self.spec_of(task))

    def spec_of(self, task: Task | None) -> str:
        """The specification of what works on `task`; None: of what plans."""
        chosen = (task.fallback or task.model) if task else self.planning
        return chosen or self.own.spec

    def get(self, spec: str) -> Model:
        """The model of a specification. Raises ProviderError: there is none, or no key for it."""
        if spec == self.own.spec:
            return self.own
        if spec not in self._made:
            if self._maker is None:
                from autodev_tui.providers.base import ProviderError

                raise ProviderError("config", f"no other model than {self.own.spec} can be used here")
            # In a thread, maybe in two at once: the first one counts, and no other has asked anything.
            self._made.setdefault(spec, self._maker(spec))
        return self._made[spec]

    async def ready(self, spec: str) -> Model:
        """The same, for the event loop: what must be read for it is read in a thread."""
        known = spec == self.own.spec or spec in self._made
        return self.get(spec) if known else await asyncio.to_thread(self.get, spec)

    async def installed(self) -> list[Installed]:
        """Models of this machine that call tools by themselves, the best first; none without a server."""
        from autodev_tui.providers import ollama_look

        if self._maker is None or self._environment is None:
            return []
        server = await asyncio.to_thread(ollama_look.look, self._environment)
        return [one for one in ollama_look.local_models(server) if one.tools]

    async def sizes(self, spec: str) -> tuple[Model, ModelLimits]:
        """The model and its sizes; from then on is known whether it works elsewhere. Raises ProviderError."""
        model = await self.ready(spec)
        limits = await model.provider.limits(model.name)
        if limits.remote:
            self.elsewhere.add(spec)
        else:
            self.elsewhere.discard(spec)
        return model, limits

    def begin(self, planning: str) -> None:
        """A run begins: what failed in the one before may be tried again, but for what plans."""
        self.failed.clear()
        self.planning = planning

    def choose(self, model: Model) -> None:
        """One of the pool is the session's from now on; calls to the old one end as they would have."""
        self._made[self.own.spec] = self.own
        self._made.pop(model.spec, None)
        self.own, self.planning = model, ""

    async def replace(self, own: Model) -> None:
        """Another one is the session's from now on; nobody may be asking any. The others are made anew."""
        await self.aclose()
        self.own = own

    async def aclose(self) -> None:
        """Close all connections."""
        made, self._made = [self.own, *self._made.values()], {}
        for one in made:
            await one.provider.aclose()
