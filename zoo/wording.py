"""Counts in words, for messages, titles and tables."""


def steps(count):
    """In words: "1 step", "24 steps"."""
    return f"{count:,} step{'' if count == 1 else 's'}"


def steps_ahead(count):
    return f"{steps(count)} ahead"
