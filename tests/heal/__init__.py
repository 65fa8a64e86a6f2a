"""Seeded broken repositories, and how many of them the rules heal: `python -m tests.heal` prints the table."""
