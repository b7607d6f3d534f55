"""One plain network trained from scratch and tested, as if nothing had been searched."""
