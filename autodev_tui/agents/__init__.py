"""Roles: system prompt, tools and limits of each kind of agent."""
