"""Frozen models that every layer shares: sessions, tasks, steps, approvals, change sets, events, commands."""
