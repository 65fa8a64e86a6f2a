"""What a repository can be refused for."""

from __future__ import annotations


class RepositoryError(Exception):
    """The repository cannot be worked in: what is wrong, where, what to do; `code` is the exit code."""

    def __init__(self, what: str, where: str = "", hint: str = "", code: int = 2) -> None:
        self.what, self.where, self.hint, self.code = what, where, hint, code
        super().__init__(" · ".join(part for part in (what, where, hint) if part))


class RefMoved(RepositoryError):
    """A branch or ref is not where it was expected: somebody else moved it; nothing was changed."""

    def __init__(self, ref: str, expected: str, actual: str) -> None:
        self.ref, self.expected, self.actual = ref, expected, actual
        super().__init__(
            f"{ref} is at {actual[:12] or 'nothing'}, not at {expected[:12] or 'nothing'} as expected",
            hint="somebody else moved it; look at it and try again",
            code=3,
        )


class FilteredPath(RepositoryError):
    """A changed path goes through a content filter (LFS, encryption) that is not run; nothing was written."""

    def __init__(self, path: str, name: str) -> None:
        self.path, self.filter = path, name
        super().__init__(
            f"the file goes through the content filter {name!r}, which cannot be run for agents",
            path,
            "leave this file out of the change, or change it yourself",
            code=3,
        )
