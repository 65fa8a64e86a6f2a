"""What agents may do, each tool with its schema."""
