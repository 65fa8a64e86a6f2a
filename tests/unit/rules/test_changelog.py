"""The changelog: commits in groups, between markers, once; what people wrote stays as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from autodev_tui.rules import documents
from autodev_tui.rules.changelog import entry
from autodev_tui.rules.history import Commit
from autodev_tui.rules.work import CannotGoOn
from tests.fakes.repos import FixtureRepository, make_repository
from tests.unit.rules.kit import carry_out, job

BEGIN, END = "<!-- autodev:changelog -->", "<!-- /autodev:changelog -->"


@pytest.fixture
def repository(tmp_path: Path) -> FixtureRepository:
    made = make_repository(tmp_path / "repo", {"a.js": "1\n"})
    for number, subject in enumerate(
        (
            "feat(cart): totals with tax",
            "fix: an empty cart has a total",
            "docs: how to install",
            "perf: sums are cached",
            "feat!: prices are in cents\n\nBREAKING CHANGE: callers give cents",
            "make it nicer",
        )
    ):
        made.write("a.js", f"{number}\n")
        made.commit(subject)
    return made


def write(repository: FixtureRepository) -> str:
    carry_out(documents.changelog, job(repository))
    return (repository.root / "CHANGELOG.md").read_bytes().decode()


def test_commits_stand_in_groups_under_their_types(repository: FixtureRepository) -> None:
    text = write(repository)
    short = {
        line.partition(" ")[2]: line[:7] for line in repository.git("log", "--format=%h %s").splitlines()
    }
    assert text.startswith("# Changelog\n")
    inside = text.partition(BEGIN)[2].partition(END)[0]
    assert inside == (
        "\n<!-- since the beginning -->\n\n## [Unreleased]\n\n"
        f"### Added\n\n- **Breaking:** prices are in cents ({short['feat!: prices are in cents']})\n"
        f"- **cart:** totals with tax ({short['feat(cart): totals with tax']})\n\n"
        f"### Fixed\n\n- an empty cart has a total ({short['fix: an empty cart has a total']})\n\n"
        f"### Performance\n\n- sums are cached ({short['perf: sums are cached']})\n\n"
        f"### Documentation\n\n- how to install ({short['docs: how to install']})\n\n"
        f"### Other\n\n- make it nicer ({short['make it nicer']})\n- start ({short['start']})\n"
    )


def test_the_second_time_nothing_changes_also_after_it_was_committed(repository: FixtureRepository) -> None:
    first = write(repository)
    done = carry_out(documents.changelog, job(repository))
    assert [one.name for one in done] == ["finish"]
    repository.commit("docs: the changelog")
    assert write(repository) == first


def test_what_people_wrote_stays_and_only_what_is_newer_is_added(repository: FixtureRepository) -> None:
    hand = "# News\r\n\r\nOur words.\r\n\r\n## 1.0 - 2024\r\n\r\n- the first one\r\n"
    repository.write("CHANGELOG.md", hand)
    repository.commit("docs: changelog of 1.0")
    repository.write("a.js", "new\n")
    repository.commit("fix: rounding")
    text = write(repository)
    begin, end = text.index(BEGIN), text.index(END) + len(END)
    assert "rounding" in text[begin:end] and "totals" not in text[begin:end]
    assert text[:begin] + text[end:].removeprefix("\r\n\r\n") == hand
    assert "\n" not in text.replace("\r\n", "")


def test_it_begins_after_the_last_version_and_a_new_version_gets_its_section(
    repository: FixtureRepository,
) -> None:
    repository.git("tag", "v1.0.0")
    repository.write("a.js", "x\n")
    repository.commit("fix: rounding")
    assert "totals" not in write(repository)
    repository.commit("docs: changelog")
    repository.git("tag", "v1.1.0")
    repository.write("a.js", "y\n")
    repository.commit("feat: vouchers")
    text = write(repository)
    assert (
        text.index("## [Unreleased]")
        < text.index("vouchers")
        < text.index("## [1.1.0]")
        < text.index("rounding")
    )
    assert text == write(repository)


def test_an_unreleased_section_of_the_users_own_takes_the_part_in(repository: FixtureRepository) -> None:
    repository.write("CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n\n- by hand\n\n## 0.9\n")
    repository.commit("docs: changelog")
    repository.write("a.js", "x\n")
    repository.commit("fix: rounding")
    text = write(repository)
    assert text.count("Unreleased") == 1
    assert (
        text.index("## [Unreleased]") < text.index("rounding") < text.index("by hand") < text.index("## 0.9")
    )
    assert write(repository) == text


def test_commit_messages_cannot_break_the_markers(repository: FixtureRepository) -> None:
    repository.write("a.js", "x\n")
    repository.commit(f"fix: {END} \x1b[31m and <!-- more")
    text = write(repository)
    assert text.count(END) == 1 and "\x1b" not in text
    assert write(repository) == text


@pytest.mark.parametrize("text", [f"{BEGIN}\n", f"{END}\n{BEGIN}\n", f"{BEGIN}\n{BEGIN}\n{END}\n"])
def test_markers_that_are_not_sound_are_told_and_nothing_is_written(
    repository: FixtureRepository, text: str
) -> None:
    repository.write("CHANGELOG.md", text)
    with pytest.raises(CannotGoOn, match="must each stand once"):
        write(repository)
    assert (repository.root / "CHANGELOG.md").read_text() == text


def test_nothing_new_since_the_last_entry_writes_nothing(repository: FixtureRepository) -> None:
    repository.write("CHANGELOG.md", "# Changelog\n\n## 1.0\n")
    repository.commit("docs: changelog")
    assert [one.name for one in carry_out(documents.changelog, job(repository))] == ["finish"]


def test_a_changelog_in_another_language_is_left_alone(repository: FixtureRepository) -> None:
    repository.write("CHANGES.rst", "Changes\n=======\n")
    with pytest.raises(CannotGoOn, match=r"CHANGES\.rst is no Markdown"):
        carry_out(documents.changelog, job(repository))


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ('Revert "feat: x"\n\nThis reverts', ("Reverted", "feat: x (abcdef1)")),
        ("feature: x", ("Added", "x (abcdef1)")),
        ("wip: x", ("Other", "wip: x (abcdef1)")),
        ("fix:no space", ("Other", "fix:no space (abcdef1)")),
        ("chore(deps)!: y", ("Maintenance", "**Breaking:** **deps:** y (abcdef1)")),
        ("\n\n", None),
    ],
)
def test_one_commit(message: str, expected: tuple[str, str] | None) -> None:
    assert entry(Commit("abcdef1" + "0" * 33, message)) == expected
