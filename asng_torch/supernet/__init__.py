"""Any module that holds choices, as a search space and as every network in it."""
