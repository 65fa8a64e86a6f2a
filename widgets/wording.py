"""Numbers and times as the screen writes them (UI §5)."""

from __future__ import annotations


def running_time(seconds: float) -> str:
    """`0:48`, `12:05`, `1:02:05`."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"


def took(seconds: float) -> str:
    """`2.1 s`, `3 min`, `2 h 10 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minute = divmod(minutes, 60)
    return f"{hours} h {minute} min" if minute else f"{hours} h"


def money(usd: float, *, known: bool = True) -> str:
    """`$0.42`, under a cent `<$0.01`; with a floor that is not the whole, `≥$0.42`."""
    if not known and not usd:
        return "$ unknown"
    text = "<$0.01" if 0 < usd < 0.01 else f"${usd:,.2f}"
    return text if known else f"≥{text}"


def tokens(count: int) -> str:
    """`980`, `38k`, `1.2M`."""
    if count < 1000:
        return str(count)
    if count < 1_000_000:
        return f"{count / 1000:.1f}k" if count < 10_000 else f"{count / 1000:.0f}k"
    return f"{count / 1_000_000:.1f}M"


def size_words(size: float | None) -> str:
    """Bytes as `5.2 GB`; "" where they are not known."""
    value = float(size or 0)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if value else ""
        value /= 1000
    return f"{value:.1f} GB"


def counted(number: int) -> str:
    """A count: over 9,999 with a comma."""
    return f"{number:,}" if number > 9_999 else str(number)


def plural(number: int, noun: str) -> str:
    """`1 decision`, `12 decisions`."""
    return f"{counted(number)} {noun}{'' if number == 1 else 's'}"


def lines(added: int, removed: int) -> str:
    """`+12 −3`."""
    return f"+{added} −{removed}"


def short_hash(commit: str) -> str:
    """Seven characters of a hash."""
    return commit[:7]


def slug(text: str, width: int = 24) -> str:
    """A goal as a short name: `oauth-login`."""
    words = "".join(one if one.isalnum() else " " for one in text.lower()).split()
    small = {
        "a",
        "an",
        "the",
        "add",
        "to",
        "of",
        "in",
        "for",
        "and",
        "is",
        "it",
        "as",
        "with",
        "on",
        "should",
    }
    chosen = [word for word in words if word not in small] or words
    name = ""
    for word in chosen:
        if name and len(name) + 1 + len(word) > width:
            break
        name = f"{name}-{word}" if name else word[:width]
    return name or "goal"
