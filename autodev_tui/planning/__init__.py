"""What is known of a goal before any model is asked: how hard, how clear, how risky, how much to do alone."""
