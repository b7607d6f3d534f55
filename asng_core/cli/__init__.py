"""The command line: ask and tell as JSON, against a file that keeps the state."""
