"""Decides what happens next: phases, the agent loop, approvals, checkpoints, recovery, budget."""
