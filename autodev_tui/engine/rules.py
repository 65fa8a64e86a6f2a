"""The remembered approvals of a repository and of one session: kept, found, counted, revoked."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from autodev_tui.domain import commands, events
from autodev_tui.domain.approval import Approval
from autodev_tui.domain.updates import Rule
from autodev_tui.engine.refusal import Refusal
from autodev_tui.policy.rules import Pattern, action_of, matches, words

if TYPE_CHECKING:
    from autodev_tui.engine.site import Site
    from store.database import Database
    from store.journal import Op

TABLE = "rules"


def remember(pattern: Pattern) -> dict[str, Any]:
    """What a question says of the rule that it may become: the pattern, and the rule in words by scope."""
    return {**words(pattern), "pattern": pattern}


def rule_id(approval: Approval) -> str:
    """The id of the rule that an answer to `approval` makes."""
    return f"r{approval.id}"


class RuleBook:
    """The rules that hold in one session. A rule counts only with the signature of the user's secret."""

    def __init__(self, database: Database, session: str, secret: bytes) -> None:
        self._database = database
        self._session = session
        self._secret = secret

    def find(self, pattern: Pattern, argv: Sequence[str] | None = None) -> Rule | None:
        """The oldest rule that answers a question which would itself become the rule `pattern`."""
        for rule in rules_of(self._database, self._session):
            genuine = hmac.compare_digest(rule.mac, _signature(rule, self._secret))
            if genuine and rule.action == action_of(pattern) and matches(rule.pattern, pattern, argv):
                return rule
        return None

    def used(self, rule: Rule) -> list[Op]:
        """What to commit with the effect that `rule` allowed."""
        document = self._database.get(TABLE, rule.id)
        if document is None:
            return []
        return [(TABLE, rule.id, {**document, "used": document["used"] + 1})]

    def made_by(self, approval: Approval, at: float) -> list[Op]:
        """What to commit with a decision: the rule that it wants remembered, if any."""
        decision = approval.decision
        if decision is None or not decision.remember:
            return []
        offered = approval.ask["remember"]
        rule = Rule(
            id=rule_id(approval),
            session=approval.session if decision.remember == "session" else "",
            action=action_of(offered["pattern"]).value,
            words=offered[decision.remember],
            pattern=offered["pattern"],
            created=at,
        )
        rule = rule.but(mac=_signature(rule, self._secret))
        return [(TABLE, rule.id, rule.doc())]


def rules_of(database: Database, session: str) -> list[Rule]:
    """The rules of the repository and of one session, oldest first."""
    found = [Rule(**document) for document in database.all(TABLE)]
    return [rule for rule in found if rule.session in ("", session)]


async def revoke_rule(site: Site, command: commands.RevokeRule) -> None:
    """Forget a remembered approval; it holds from the next action on. Raises Refusal."""
    document = site.database.get(TABLE, command.rule)
    if document is None:
        raise Refusal(f"there is no rule {command.rule} any more")
    await site.engine.keep([(TABLE, command.rule, None)])
    if site.engine.session:
        site.engine.services.board.log.emit(events.Noticed(text=f"rule revoked: {document['words']}"))


def _signature(rule: Rule, secret: bytes) -> str:
    signed: Mapping[str, Any] = {
        name: value for name, value in rule.doc().items() if name not in ("used", "mac")
    }
    text = json.dumps(["rule", signed], sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()
