"""Dates as people write them in many languages, and as ISO 8601 writes them."""

import datetime
import re

import numpy as np

from zoo.data.pairs import Pairs

FIRST, LAST = datetime.date(1900, 1, 1), datetime.date(2099, 12, 31)
LANGUAGES = (
    *("cs", "da", "de", "el", "en", "en_GB", "es", "fi", "fr", "hu", "id", "it", "ja", "ko"),
    *("nb", "nl", "pl", "pt", "ro", "ru", "sv", "tr", "uk", "vi", "zh"),
)
STYLES = ("medium", "long", "full", "d MMMM y", "EEE d MMM y", "MMM d, y", "dd.MM.y", "d/M/y", "y/MM/dd")
MONTH_FIRST = {"en": "M/d/y"}  # instead of d/M/y
NUMBERS = re.compile(r"\d+")


def dates(count=40_000, seed=0):
    """Dates from 1900 to 2099, each written once, in a language and a style that are drawn by chance: text -> YYYY-MM-DD.

    25 languages and 9 styles, by Unicode's locale data (the package babel): with names of months and of days of the week, long,
    short or in full, or with numbers alone. What could be read as two dates (`03/04/2020` is written so in April and in March)
    is left out, so that each text has one answer. No date is in two parts.

    Arguments:
        count: how many pairs.
        seed: of what is drawn: the same seed gives the same pairs.
    """
    rng = np.random.default_rng(seed)
    days = (LAST - FIRST).days + 1
    found = {}
    while len(found) < count:
        for _ in range(count - len(found)):
            day = FIRST + datetime.timedelta(int(rng.integers(days)))
            text = written(day, LANGUAGES[rng.integers(len(LANGUAGES))], STYLES[rng.integers(len(STYLES))])
            if is_clear(text, day):
                found.setdefault(text, day.isoformat())
    return Pairs(
        tuple(found), tuple(found.values()), "dates", "targets", {"dateutil, which reads English": by_dateutil}
    )


def written(day, language, style):
    """A date in a language and a style."""
    from babel.dates import format_date

    style = MONTH_FIRST.get(language, style) if style == "d/M/y" else style
    return format_date(day, style, language).replace("\u202f", " ").replace("\xa0", " ")


def is_clear(text, day):
    """Whether a text cannot be read as another date: it names the month, begins with the year, or has dots, or its day is no
    number of a month, or the same as that of the month."""
    numbers = NUMBERS.findall(text)
    if len(numbers) < 3 or len(numbers[0]) == 4 or "." in text or day.day == day.month:
        return True
    return day.day > 12


def by_dateutil(text):
    """What `dateutil.parser` makes of a text; None where it cannot read it."""
    from dateutil import parser

    try:
        return parser.parse(text).date().isoformat()
    except (ValueError, OverflowError, TypeError):
        return None
