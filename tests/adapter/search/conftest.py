"""A script that tests run by its path: no module of this suite."""

collect_ignore = ["killed.py"]
