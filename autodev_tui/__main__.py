"""The entry of `autodev` and of `python -m autodev_tui`."""

import sys

from autodev_tui.version import __version__

PLATFORMS = ("linux", "darwin")


def main() -> None:
    """Run the command line. `--version` alone answers without loading it: 80 ms are its budget."""
    if sys.platform not in PLATFORMS:
        print(
            f"autodev: {sys.platform} is not supported · it runs on Linux and macOS · on Windows use WSL2",
            file=sys.stderr,
        )
        raise SystemExit(2)
    if sys.argv[1:] == ["--version"]:
        print(f"autodev {__version__}")
        return
    from autodev_tui.cli import main as command_line

    command_line()


if __name__ == "__main__":
    main()
