"""Search spaces: variables, conditions, constraints; the user's values to codes and back."""
