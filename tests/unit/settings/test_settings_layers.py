from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autodev_tui.domain.evidence import Check, CheckKind
from autodev_tui.domain.levels import Level
from autodev_tui.settings import Settings, SettingsError, load_settings
from autodev_tui.settings_files import MAX_BYTES, line_of
from autodev_tui.settings_schema import Budgets

Load = Callable[..., Settings]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def call(
        user: str | bytes | None = None,
        *,
        repository: str | None = None,
        variables: dict[str, str] | None = None,
        **options: Any,
    ) -> Settings:
        if user is not None:
            data = user.encode() if isinstance(user, str) else user
            (tmp_path / "config.toml").write_bytes(data)
        trusted = repository.encode() if repository is not None else None
        environment = {"AUTODEV_CONFIG_DIR": str(tmp_path), **(variables or {})}
        return load_settings(environment, repository=trusted, options=options)

    return call


def error(load: Load, *args: Any, **named: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        load(*args, **named)
    return str(caught.value)


def test_defaults_are_those_of_the_specification(load: Load) -> None:
    found = load()
    assert found == Settings()
    assert (found.autonomy, found.max_time_s, found.quality_threshold) == (Level.COLLABORATIVE, 3600, 0.85)
    assert (found.max_turns, found.budget_usd, found.model) == (200, None, None)
    assert (found.limits.context_tokens, found.limits.command_timeout_s) == (150_000, 300)


LAYERS = ("user", "repository", "variables", "options")


@pytest.mark.parametrize(
    "present", [set for size in range(5) for set in itertools.combinations(LAYERS, size)], ids="+".join
)
def test_precedence(load: Load, present: tuple[str, ...]) -> None:
    values = {"user": 40, "repository": 30, "variables": 20, "options": 10}
    given: dict[str, Any] = {}
    if "user" in present:
        given["user"] = "max_turns = 40"
    if "repository" in present:
        given["repository"] = "max_turns = 30"
    if "variables" in present:
        given["variables"] = {"AUTODEV_MAX_TURNS": "20"}
    if "options" in present:
        given["max_turns"] = 10
    expected = values[present[-1]] if present else 200
    assert load(given.pop("user", None), **given).max_turns == expected


def test_tables_merge_key_by_key(load: Load) -> None:
    found = load(
        "[limits]\ncontext_tokens = 20000\ncommand_timeout_s = 5",
        variables={"AUTODEV_LIMITS__COMMAND_TIMEOUT_S": "7"},
    )
    assert (found.limits.context_tokens, found.limits.command_timeout_s) == (20_000, 7)


def test_options_not_given_change_nothing(load: Load) -> None:
    assert load("model = 'anthropic/one'", model=None).model == "anthropic/one"


def test_variables(load: Load) -> None:
    checks = json.dumps([{"name": "unit", "command": "make test"}])
    found = load(variables={"AUTODEV_AUTONOMY": "full", "AUTODEV_CHECKS": checks, "AUTODEV_MODEL": ""})
    assert (found.autonomy, found.checks[0].command, found.model) == (Level.FULL, "make test", None)


def test_checks_are_marked_as_configured(load: Load) -> None:
    (check,) = load('[[checks]]\nname = "m"\ncommand = "mypy"\nkind = "types"\npaths = ["*.py"]').checks
    assert isinstance(check, Check)
    assert (check.kind, check.paths, check.source) == (CheckKind.TYPES, ["*.py"], "configured")


def test_prices_fit_the_shipped_table(load: Load) -> None:
    from datetime import date

    from autodev_tui.providers.pricing import TokenCounts, cost

    table = load('[prices."claude-own"]\ninput = 3.0\noutput = 15.0\ncache_write = 3.75').price_table()
    counts = TokenCounts(input=1_000_000, output=1_000_000, cache_write_1h=1_000_000)
    assert cost("claude-own", counts, date(2026, 1, 1), table) == (Decimal("21.75"), True)
    assert cost("claude-own", TokenCounts(cache_read=1), date(2026, 1, 1), table)[1] is False


# -- the repository


def test_without_trust_nothing_of_the_repository_holds(load: Load) -> None:
    assert load(repository=None).checks == ()


def test_a_trusted_repository_names_checks_and_setup(load: Load) -> None:
    found = load(
        repository='[environment]\nsetup = "make deps"\n[[checks]]\nname = "u"\ncommand = "make test"\n'
        "[limits]\ncheck_timeout_s = 9000"
    )
    assert (found.environment.setup, found.checks[0].name, found.limits.check_timeout_s) == (
        "make deps",
        "u",
        9000,
    )
    assert found.notices == ()


@pytest.mark.parametrize(
    ("repository", "key"),
    [
        ("autonomy = 'full'", "autonomy"),
        ("budget_usd = 50", "budget_usd"),
        ("max_turns = 900", "max_turns"),
        ("max_time_s = 90000", "max_time_s"),
        ("quality_threshold = 0.1", "quality_threshold"),
        ("[limits]\ncontext_tokens = 900000", "limits.context_tokens"),
        ("model = 'anthropic/other'", "model"),
        ("fallbacks = ['anthropic/dear']", "fallbacks"),
        ("[budgets]\nday_usd = 50", "budgets.day_usd"),
        ("[prices.x]\ninput = 0\noutput = 0", "prices"),
    ],
)
def test_a_trusted_repository_raises_nothing(load: Load, repository: str, key: str) -> None:
    user = "budget_usd = 5\n[budgets]\nday_usd = 9"
    found = load(user, repository=repository)
    assert found.doc() == load(user).doc()
    (notice,) = found.notices
    assert notice.startswith(f".autodev/config.toml: {key} is ignored: ")


@pytest.mark.parametrize(
    ("repository", "changed"),
    [
        ("autonomy = 'guided'", {"autonomy": Level.GUIDED}),
        ("budget_usd = 1", {"budget_usd": 1.0}),
        ("[budgets]\nmonth_usd = 1", {"budgets": Budgets(month_usd=1)}),
        ("quality_threshold = 0.95", {"quality_threshold": 0.95}),
    ],
)
def test_a_trusted_repository_may_be_stricter(load: Load, repository: str, changed: dict[str, Any]) -> None:
    found = load(repository=repository)
    assert found == Settings(**changed)
    assert found.notices == ()


REPOSITORY_VALUES = st.fixed_dictionaries(
    {},
    optional={
        "autonomy": st.sampled_from([level.value for level in Level]),
        "budget_usd": st.floats(0.01, 100),
        "max_turns": st.integers(1, 500),
        "max_time_s": st.floats(1, 9000),
        "quality_threshold": st.floats(0, 1),
        "model": st.just("anthropic/other"),
    },
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(REPOSITORY_VALUES, REPOSITORY_VALUES)
def test_no_repository_ever_raises_a_permission(
    load: Load, user: dict[str, Any], repository: dict[str, Any]
) -> None:
    def toml(values: dict[str, Any]) -> str:
        return "\n".join(f"{name} = {json.dumps(value)}" for name, value in values.items())

    alone, both = load(toml(user)), load(toml(user), repository=toml(repository))
    assert both.autonomy.rank <= alone.autonomy.rank
    assert (both.budget_usd or float("inf")) <= (alone.budget_usd or float("inf"))
    assert both.max_turns <= alone.max_turns
    assert both.max_time_s <= alone.max_time_s
    assert both.quality_threshold >= alone.quality_threshold
    assert both.model == alone.model


# -- errors


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("\n# c\nautonmy = 'full'", 3, "unknown key autonmy · did you mean autonomy?"),
        (
            "[limits]\n\ncontext_token = 1",
            3,
            "unknown key limits.context_token · did you mean context_tokens?",
        ),
        ("frobnicate = 1", 1, "unknown key frobnicate · known: model, autonomy"),
        ("api_key = 'sk-secret'", 1, "set ANTHROPIC_API_KEY in your environment"),
        ("max_turns = '5'", 1, "max_turns: should be a valid integer"),
        ("model = 'x'\nmax_turns = true", 2, "max_turns: should be a valid integer"),
        ("max_turns = 0", 1, "max_turns: should be greater than or equal to 1"),
        ("budget_usd = nan", 1, "budget_usd: should be a finite number"),
        ("limits = 3", 1, "limits: should be an object"),
        ("[budgets]\nday_usd = 0", 2, "budgets.day_usd: should be greater than 0"),
        ("[budgets]\nweek_usd = 1", 2, "unknown key budgets.week_usd"),
        ("fallbacks = ['claude']", 1, "'claude' is no model · write anthropic/NAME, ollama/NAME or rules"),
        ("fallbacks = ['ollama/a', 'ollama/a']", 1, "ollama/a is there twice"),
        ("model = 'x'\nautonomy = 'suprvised'", 2, "is none of guided, collaborative, supervised, full"),
        ("model = 'x'\nautonomy = 'suprvised'", 2, "did you mean supervised?"),
        (
            "[[checks]]\nname = 'a'\ncommand = 'x'\n[[checks]]\nname = 'b'",
            4,
            "checks.1.command: field required",
        ),
        ("[[checks]]\nname='a'\ncommand='x'\nkind='type'", 4, "did you mean types?"),
        (
            "[[checks]]\nname='a'\ncommand='x'\n[[checks]]\nname='a'\ncommand='y'",
            1,
            "two checks are called a",
        ),
        ("max_turns = 1\nx = = 2", 2, "is not valid TOML"),
        ("max_turns = 1\nmodel = [", 2, "is not valid TOML"),
        ("max_turns = 1\nmax_turns = 2", 2, "is not valid TOML"),
    ],
)
def test_errors_name_file_line_and_the_nearest_key(
    load: Load, text: str, line: int, words: str, tmp_path: Path
) -> None:
    message = error(load, text)
    assert message.startswith(f"{tmp_path}/config.toml:{line}: ")
    assert words in message
    assert "sk-secret" not in message
    assert error(load, "", repository=text).startswith(f".autodev/config.toml:{line}: ")


def test_a_mistake_is_told_even_where_a_higher_layer_covers_it(load: Load) -> None:
    assert "max_turns" in error(load, "max_turns = 'x'", max_turns=3)


def test_every_mistake_is_told(load: Load) -> None:
    assert len(error(load, "one = 1\ntwo = 2").splitlines()) == 2


def test_files_that_are_no_text(load: Load, tmp_path: Path) -> None:
    assert error(load, b"model = 'x'\nautonomy = '\xff'").startswith(
        f"{tmp_path}/config.toml:2: is not UTF-8"
    )
    assert "at most" in error(load, b"#" * (MAX_BYTES + 1))
    assert "nested too deeply" in error(load, "x = " + "[" * 50_000)
    (tmp_path / "config.toml").unlink()
    (tmp_path / "config.toml").mkdir()
    assert "is no plain file" in error(load)


def test_errors_name_the_variable(load: Load) -> None:
    def of(**variables: str) -> str:
        return error(load, variables=variables)

    assert of(AUTODEV_MAX_TURNS="many").startswith("AUTODEV_MAX_TURNS: max_turns: should be a valid integer")
    assert of(AUTODEV_AUTONMY="full") == "AUTODEV_AUTONMY: unknown variable · did you mean AUTODEV_AUTONOMY?"
    assert of(AUTODEV_BUDGET_US="1").endswith("unknown variable · did you mean AUTODEV_BUDGET_USD?")
    assert of(AUTODEV_LIMITS__CONTEXT_TOKEN="1").startswith("AUTODEV_LIMITS__CONTEXT_TOKEN: unknown key")
    assert (
        of(AUTODEV_CHECKS="[{") == "AUTODEV_CHECKS: is not valid JSON · tables and lists are written as JSON"
    )


def test_variables_of_others_are_left_alone(load: Load) -> None:
    assert load(variables={"AUTODEV_COMMAND": "1", "AUTODEV_STATE_DIR": "/x", "AUTODEV": "1"}) == Settings()


def test_the_process_environment_is_not_read(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTODEV_MAX_TURNS", "3")
    assert load().max_turns == 200


def test_options_are_checked(load: Load) -> None:
    assert error(load, max_turns=0).startswith("--max-turns: ")


# -- lines

KEYS = st.from_regex(r"[a-z][a-z0-9]{0,5}", fullmatch=True)
VALUES = st.sampled_from(["1", "'x'", "[\n  1,\n  2,\n]", '"""\na = 1\n[b]\n"""', "{ k = 1 }", "[] # c"])
TABLES = st.dictionaries(KEYS, st.dictionaries(KEYS, VALUES, max_size=4), max_size=4)


@given(TABLES, st.integers(0, 2))
def test_the_line_of_a_key_is_where_it_begins(tables: dict[str, dict[str, str]], blank: int) -> None:
    lines: list[str] = []
    expected: dict[tuple[str, str], int] = {}
    for table, entries in tables.items():
        lines += [""] * blank + [f"[{table}]", "# a comment"]
        for key, value in entries.items():
            expected[table, key] = len(lines) + 1
            lines += f"{key} = {value}".split("\n")
    text = "\n".join(lines)
    for keys, line in expected.items():
        assert line_of(text, keys) == line
    assert line_of(text, ("no such",)) is None
