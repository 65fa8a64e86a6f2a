"""`autodev demo`: a sample repository, a recorded model, and a guide through the first minute.

Only the model's words are recorded. The engine, the worktrees, the sandbox, the checks and the commits are
the same as everywhere else.
"""
