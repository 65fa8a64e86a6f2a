"""Checks, the environment they run in, evidence, and the quality gate."""
