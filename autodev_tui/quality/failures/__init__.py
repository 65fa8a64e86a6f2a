"""From a tool's output to what failed: type, place, severity and what to do (S35)."""
