"""What can go wrong, in words for the person at the terminal."""


class ToolError(Exception):
    """A program can be neither found nor built; the message says what to change."""
