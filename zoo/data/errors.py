"""What is said of data that cannot be used, and of names that nobody knows."""

import difflib


class DataError(ValueError):
    """The data cannot be used as they are; the message says what was found, what is needed and what to do.

    Arguments:
        said: all of that, or what was found and what is needed.
        remedy: what to do in Python.
        in_file: what to do to a file instead, for those who came by the command line: it prints `for_a_file`.
    """

    def __init__(self, said, remedy="", in_file=""):
        super().__init__(f"{said} {remedy}".strip())
        self.for_a_file = f"{said} {in_file or remedy}".strip()


def near(given, known):
    """In words: the known name that each given one is most like; nothing where none is."""
    found = [match for name in given for match in difflib.get_close_matches(str(name), known, n=1, cutoff=0.6)]
    return f" Did you mean {', '.join(dict.fromkeys(found))}?" if found else ""


def check_columns(frame, columns):
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        there = ", ".join(map(str, frame.columns))
        raise DataError(f"There is no column {' and no '.join(map(repr, missing))}. The columns are: {there}.")
    twice = [column for column in columns if list(frame.columns).count(column) > 1]
    if twice:
        raise DataError(f"Several columns are named {', '.join(map(repr, twice))}. Give each its own name.")
