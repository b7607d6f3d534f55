"""Claims, each with its command, its rivals, and its stored result."""
