"""Git without surprises: repository facts, worktrees, trees and diffs, decisions on hunks, landing."""
