"""Screens of the workbench, one a file, each with its .tcss beside it."""
