"""Which commands only read, which arguments keep a check a check, which need the network: data.

Allow-lists only. An option that is not listed makes the command "other", so that a new option of a tool is
never trusted by accident.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Operands = Literal["none", "text", "paths", "pattern+paths", "one path", "refs"]


@dataclass(frozen=True)
class Allowed:
    """Options and operands under which a command is harmless.

    One letter stands for `-x`, more for `--name`. `flags` take no value, `valued` take one (attached,
    after `=`, or the next word), `attached` may take one but never the next word. `patterns` are the valued
    ones that replace the leading pattern operand.
    """

    flags: frozenset[str]
    valued: frozenset[str]
    operands: Operands
    patterns: frozenset[str]
    attached: frozenset[str]


def _names(text: str) -> frozenset[str]:
    """Long names separated by spaces; a word that begins with `:` is a row of single letters."""
    return frozenset(name for word in text.split() for name in (word[1:] if word[0] == ":" else [word]))


def _allow(
    flags: str = "", valued: str = "", operands: Operands = "none", patterns: str = "", attached: str = ""
) -> Allowed:
    return Allowed(
        _names(flags), _names(valued) | _names(patterns), operands, _names(patterns), _names(attached)
    )


READ_ONLY: dict[str, Allowed] = {
    "basename": _allow(":az", ":s", "text"),
    "cat": _allow(":AbeEnstTuv number show-all", "", "paths"),
    "cmp": _allow(":bls", ":in", "paths"),
    "cut": _allow(":sz complement", ":bcdf delimiter fields", "paths"),
    "diff": _allow(":aBbcdEeiNnpqrstuwy brief recursive", ":U", "paths", attached="color unified"),
    "dirname": _allow(":z", "", "text"),
    "du": _allow(":abchkms human-readable summarize", ":d max-depth", "paths"),
    "echo": _allow(":neE", "", "text"),
    "egrep": _allow(":ivwxcLlnoqsHhabEFG", ":mABC", "pattern+paths", ":e"),
    "false": _allow(operands="none"),
    "file": _allow(":bi brief mime mime-type", "", "paths"),
    "grep": _allow(
        ":ivwxcLlnoqsHhabEFGPrTzI ignore-case invert-match word-regexp line-number"
        " files-with-matches recursive"
        " only-matching extended-regexp fixed-strings perl-regexp count no-messages"
        " with-filename no-filename",
        ":mABC max-count include exclude exclude-dir context after-context before-context",
        "pattern+paths",
        ":e regexp",
        "color",
    ),
    "head": _allow(":qv0123456789", ":nc lines bytes", "paths"),
    "ls": _allow(
        ":1AaBCcdFfGghiklmnopQRrSsTtUuvXx all almost-all human-readable recursive reverse directory",
        "sort time format indicator-style time-style",
        "paths",
        attached="color",
    ),
    "md5sum": _allow("", "", "paths"),
    "nl": _allow("", ":bw", "paths"),
    "pwd": _allow(":LP"),
    "readlink": _allow(":efmn", "", "paths"),
    "realpath": _allow(":ems", "", "paths"),
    "rg": _allow(
        ":ivwxclnoqsSFUaHNIu files hidden no-ignore ignore-case line-number files-with-matches count heading"
        " no-heading fixed-strings word-regexp smart-case only-matching multiline sort-files",
        ":gtTmABCd glob iglob type type-not max-count max-depth context after-context before-context color",
        "pattern+paths",
        ":e regexp",
    ),
    "sha256sum": _allow("", "", "paths"),
    "sort": _allow(
        ":bdfghiMnRrsuVz numeric-sort reverse unique version-sort", ":kt key field-separator", "paths"
    ),
    "stat": _allow(":Lft", ":c format", "paths"),
    "tac": _allow("", "", "paths"),
    "tail": _allow(":qv0123456789", ":nc lines bytes", "paths"),
    "tr": _allow(":cCdst", "", "text"),
    "tree": _allow(":adfghiprstuDC dirsfirst", ":LIP", "paths"),
    "true": _allow(operands="none"),
    "uniq": _allow(":cdiuz count repeated unique", ":fsw", "one path"),
    "wc": _allow(":clLmw lines words bytes chars", "", "paths"),
    "which": _allow(":a", "", "text"),
}

GIT_READ_ONLY: dict[str, Allowed] = {
    "blame": _allow(":wesl", ":L", "refs"),
    "branch": _allow(":avr all remotes show-current list", ""),
    "diff": _allow(
        ":bpwuz stat numstat shortstat cached staged name-only name-status no-color check summary"
        " minimal patience histogram exit-code quiet no-ext-diff no-textconv",
        "diff-filter",
        "refs",
        attached=":U unified word-diff",
    ),
    "log": _allow(
        ":pzu0123456789 oneline stat numstat graph all no-decorate merges no-merges name-only name-status"
        " reverse follow first-parent no-color no-patch patch",
        ":nGS max-count since until after before author grep date diff-filter",
        "refs",
        attached="format pretty decorate abbrev-commit",
    ),
    "ls-files": _allow(":cdmostz cached deleted modified others stage exclude-standard", "", "refs"),
    "rev-parse": _allow("show-toplevel verify", "", "refs", attached="short abbrev-ref"),
    "show": _allow(
        ":pzs stat numstat name-only name-status oneline no-color no-patch patch",
        "date",
        "refs",
        attached=":U format pretty",
    ),
    "status": _allow(":sbvz short branch long verbose", "", "refs", attached=":u porcelain untracked-files"),
}

FIND_TESTS: dict[str, int] = {
    **dict.fromkeys(
        ("-empty", "-print", "-print0", "-prune", "-not", "!", "-a", "-o", "-and", "-or", "(", ")"), 0
    ),
    **dict.fromkeys(
        ("-true", "-false", "-readable", "-writable", "-executable", "-depth", "-mount", "-xdev"), 0
    ),
    **dict.fromkeys(
        ("-name", "-iname", "-path", "-ipath", "-wholename", "-regex", "-iregex", "-regextype"), 1
    ),
    **dict.fromkeys(
        ("-type", "-maxdepth", "-mindepth", "-size", "-mtime", "-mmin", "-perm", "-user", "-group"), 1
    ),
}

CHECK_TOOLS: dict[str, Allowed] = {
    "pytest": _allow(
        ":qvsxl quiet verbose exitfirst lf ff last-failed failed-first sw stepwise nf co collect-only"
        " no-header no-summary showlocals no-cov strict-markers strict-config disable-warnings full-trace"
        " continue-on-collection-errors",
        ":kmrn maxfail tb durations deselect color verbosity capture show-capture",
        "paths",
    ),
    "unittest": _allow(":vqfbc verbose quiet failfast buffer catch", ":k", "text"),
    "ruff check": _allow(
        ":qvn quiet verbose no-cache no-fix diff statistics show-files preview",
        "select ignore extend-select extend-ignore output-format target-version",
        "paths",
    ),
    "ruff format": _allow(":qvn quiet verbose no-cache check diff", "", "paths"),
    "mypy": _allow(
        ":v strict verbose pretty no-color-output show-error-codes no-error-summary ignore-missing-imports"
        " no-incremental show-error-context hide-error-codes warn-unused-ignores",
        ":mp module package python-version",
        "paths",
    ),
    "black": _allow(":qv check diff quiet verbose", "", "paths"),
    "isort": _allow(":cqv check check-only diff quiet verbose", "", "paths"),
    "flake8": _allow(":qv count statistics show-source", "select ignore max-line-length", "paths"),
    "pyright": _allow("outputjson stats verbose warnings", "", "paths"),
    "pylint": _allow("errors-only", "disable enable", "paths"),
    "cargo test": _allow(":qv workspace lib bins all no-fail-fast offline locked", ":p package test", "text"),
    "cargo check": _allow(":qv workspace all all-targets offline locked release", ":p package"),
    "cargo clippy": _allow(":qv workspace all all-targets offline locked release", ":p package"),
    "gofmt": _allow(":del", "", "paths"),
    "prettier": _allow(":lc check list-different", "", "paths"),
    "go test": _allow(":v", "", "paths"),
    "go vet": _allow("", "", "paths"),
}
"""What a narrower form of a repository's own check may add. Read with a check of the same tool only."""

CHECK_MUST_HAVE: dict[str, frozenset[str]] = {
    "ruff format": frozenset({"--check", "--diff"}),
    "black": frozenset({"--check", "--diff"}),
    "isort": frozenset({"--check", "--check-only", "-c", "--diff"}),
}
"""Formatters are checks only while they do not write."""

NETWORK_COMMANDS = _names(
    "curl wget ssh scp sftp rsync ftp tftp telnet nc ncat netcat socat ping ping6 dig"
    " nslookup host getent traceroute"
    " whois gh glab hub uvx pipx npx bunx apt apt-get aptitude dnf yum apk pacman brew"
    " zypper snap flatpak conda mamba"
    " micromamba docker podman kubectl helm terraform aws gcloud az fly heroku vercel netlify ansible openssl"
)
NETWORK_SUBCOMMANDS: dict[str, frozenset[str]] = {
    "pip": _names("install download wheel index search lock"),
    "uv": _names("sync add remove lock pip run tool python publish"),
    "poetry": _names("install add update lock publish remove self search"),
    "pdm": _names("install add update lock sync publish"),
    "pipenv": _names("install update sync lock"),
    "hatch": _names("env run publish"),
    "npm": _names("install i ci add update up upgrade audit publish outdated view search login exec x init"),
    "pnpm": _names("install i add update up publish dlx audit outdated"),
    "yarn": _names("install add up upgrade publish dlx audit"),
    "bun": _names("install add update publish x"),
    "cargo": _names("install add update fetch publish search login"),
    "go": _names("get install download generate"),
    "gem": _names("install update fetch push"),
    "bundle": _names("install update add"),
    "composer": _names("install update require"),
    "git": _names("fetch pull clone ls-remote submodule "),
    "twine": _names("upload"),
}
PUSHES: dict[str, frozenset[str]] = {
    "git": frozenset({"push", "send-pack", "send-email", "http-push"}),
    "gh": frozenset({"pr", "release", "api"}),
    "hg": frozenset({"push"}),
    "twine": frozenset({"upload"}),
    **dict.fromkeys(("npm", "pnpm", "yarn", "cargo", "uv", "poetry", "pdm", "hatch"), frozenset({"publish"})),
    "docker": frozenset({"push"}),
    "gem": frozenset({"push"}),
}
WRAPPERS = _names(
    "env sudo doas nice nohup time timeout exec command builtin stdbuf setsid ionice chrt xargs coproc"
)
SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "ash", "fish"})
