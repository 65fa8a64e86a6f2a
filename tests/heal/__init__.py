"""Seeded broken repositories, and how many of them rules heal: `python -m tests.heal` prints the table."""
