"""Task analysis, complexity, the autonomy score, the planner's prompt and its plan."""
