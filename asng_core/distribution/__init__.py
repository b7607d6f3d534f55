"""The search distribution of a space: how it moves, what it says in the user's terms, what it draws."""
