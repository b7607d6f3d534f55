"""`python -m asng_core`: see `cli`."""

from .cli.main import main

if __name__ == "__main__":
    main()
