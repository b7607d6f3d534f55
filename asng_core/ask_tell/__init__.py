"""Asking and telling: candidates, the ledger of what is open and told, and ASNG, the paper's method."""
