"""The spawner that starts every command, and the sandboxes it starts them in."""
