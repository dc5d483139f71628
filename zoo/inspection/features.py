"""What a reader of a text keeps track of, for each character: inside a quotation, how deep in brackets, how far in the line.

Each number is what is so once that character has been read, as a recurrent network's state is. A text may begin anywhere.
"""

import numpy as np

QUOTES = {"“": "”", '"': '"'}
OPENING, CLOSING = "([{", ")]}"
CONDITIONS = {"if", "elif", "while"}


def prose(text):
    """Features of prose and plays.

    Returns:
        name -> (characters,) array:
        position in line, position in word: characters since the last line break, or since the last one that is no letter;
        inside quotation: between “ ” or " " (a blank line ends it); inside brackets;
        inside a speaker's name: a line after a blank one, up to its colon.
    """
    rows, closing, depth, speaker, column, word, blank = [], None, 0, False, 0, 0, True
    for character in text:
        if character == "\n":
            if column == 0:  # a blank line
                closing, depth, blank = None, 0, True
            column, word, speaker = 0, 0, False
        else:
            speaker = (speaker or (column == 0 and blank)) and character != ":"
            column, blank = column + 1, False
            word = word + 1 if character.isalpha() or (character in "'’" and word) else 0
        if closing is None and character in QUOTES:
            closing = QUOTES[character]
        elif character == closing:
            closing = None
        depth = max(depth + (character in OPENING) - (character in CLOSING), 0)
        rows.append((column, word, closing is not None, depth > 0, speaker))
    return named(
        rows,
        ("position in line", "position in word", "inside quotation", "inside brackets", "inside a speaker's name"),
    )


def python(text):
    """Features of Python source, read character by character (half a statement, or what is no Python, is no error).

    Returns:
        name -> (characters,) array:
        inside a string: of one or three quotes; inside a comment; bracket depth;
        position in line; indentation: blanks at the beginning of this line;
        inside a condition: from `if`, `elif` or `while` to its colon, or to `else` or the end of its brackets.
    """
    rows, string, comment, depth, column, indentation, word = [], None, False, 0, 0, 0, ""
    condition = None  # the bracket depth at which it began
    pending = 0  # characters that belong to what has been read: the rest of three quotes, what a backslash escapes
    for at, character in enumerate(text):
        leading = column == indentation and character in " \t"
        column = 0 if character == "\n" else column + 1
        indentation = 0 if character == "\n" else indentation + leading
        if pending:
            pending -= 1
        elif string is not None:
            if character == "\\":
                pending = 1
            elif text.startswith(string, at):
                pending, string = len(string) - 1, None
            elif character == "\n" and len(string) == 1:
                string = None
        elif comment:
            comment = character != "\n"
        elif character.isidentifier() or (word and character.isalnum()):
            word += character
        else:
            condition = depth if word in CONDITIONS else None if word == "else" else condition
            word = ""
            if character in "'\"":
                string = character * 3 if text.startswith(character * 3, at) else character
                pending = len(string) - 1
            elif character == "#":
                comment = True
            elif character in OPENING:
                depth += 1
            elif character in CLOSING:
                depth = max(depth - 1, 0)
            if condition is not None and (depth < condition or (depth == condition and character in ":\n")):
                condition = None
        rows.append((string is not None, comment, depth, column, indentation, condition is not None))
    return named(
        rows,
        (
            "inside a string",
            "inside a comment",
            "bracket depth",
            "position in line",
            "indentation",
            "inside a condition",
        ),
    )


def named(rows, names):
    columns = np.array(rows, "float64").reshape(len(rows), len(names)).T
    return dict(zip(names, columns, strict=True))


FEATURES = {"prose": prose, "python": python}
