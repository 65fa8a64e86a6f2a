"""The four ways of healing without a model: from failures and files to edits that a check can prove (S36).

Everything here is pure: bytes of files and outputs of checks go in, proposed repairs come out. Who applies
them, runs the check again and keeps or rolls back is `autodev_tui.rules.healing`.
"""
