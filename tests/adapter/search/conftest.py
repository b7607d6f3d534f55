"""Scripts that tests run by their path, and that import one another: no modules of this suite."""

collect_ignore = ["killed.py", "processes.py", "ranks.py"]
