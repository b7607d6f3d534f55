"""Modules that hold candidates and run the active one."""
