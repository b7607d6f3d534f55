"""Modules that hold alternatives and run the active one."""
