"""Plain networks, which know nothing of choices: layers, what a choice becomes, batch normalization."""
