"""What a user can set right."""


class CommandError(Exception):
    """The command cannot be carried out as given; its message says what to change."""
