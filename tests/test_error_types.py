"""The kinds of a language model's errors."""

import numpy as np
import pytest

from zoo import inspection
from zoo.inspection.errors import KINDS, foretold

TRAIN = "the cat sat on the mat. " * 40 + "a zebra ran. " + "the dog sat. the dog ran. " * 6


def kinds(text, wrong, **options):
    """The kinds that are counted when the model is wrong at one place alone."""
    logs = np.full(len(text) - 1, np.log(0.9))
    logs[wrong - 1] = np.log(0.1)
    found = inspection.error_types(text, logs, TRAIN, **options)["errors"]
    return {name: int(n) for name, n in found.items() if n}


@pytest.mark.parametrize(("text", "wrong", "kind"), [
    ("the cat sat on the mat. ", 5, "n-gram"),          # after "the c" an a, always
    ("quux, quux", 7, "memory"),                        # the second of a word that the training part never had
    ("a quux ran", 4, "rare word"),
    ("the dog quux", 8, "beginning of a word"),
    ("quux! dog!", 4, "mark or blank"),
    ("quux 7 dog", 5, "mark or blank"),
    ("dxdog dog", 6, "beginning of a word"),
])
def test_an_error_counts_as_the_first_kind_that_it_is_of(text, wrong, kind):
    assert kinds(text, wrong) == {kind: 1}


def test_a_common_word_that_is_not_near_is_of_no_kind():
    train = "".join(f"{start}og " for start in "dfhl" * 8) + "dab lab fab hab " * 30
    logs = np.log([0.9, 0.9, 0.9, 0.9, 0.1, 0.9])
    found = inspection.error_types("lab dog", logs, train)["errors"]
    assert found[found > 0].to_dict() == {"other": 1}                       # d goes on with a or o


def test_memory_reaches_as_far_as_it_is_said_to():
    text = "quux " + "the cat " * 10 + "quux"
    assert kinds(text, len(text) - 2, memory=85) == {"memory": 1} and kinds(text, len(text) - 2, memory=84) == {"rare word": 1}


def test_the_shares_are_of_all_errors_and_of_the_whole_loss():
    rng = np.random.default_rng(0)
    logs = np.log(rng.random(len(TRAIN) - 1))
    found = inspection.error_types(TRAIN, logs, TRAIN)
    wrong = logs <= np.log(0.5)
    assert list(found.index) == list(KINDS) and found["errors"].sum() == wrong.sum()
    assert found["share of errors"].sum() == pytest.approx(1)
    assert found["share of the loss"].sum() == pytest.approx(logs[wrong].sum() / logs.sum())


def test_n_grams_foretell_what_always_follows():
    found = foretold("the cat ran", TRAIN, 0.5)
    assert len(found) == 10 and found[[4, 5]].all() and not found[3]        # "the c": c or m or d; then a, t


def test_without_errors_the_shares_are_zero():
    found = inspection.error_types("the cat", np.full(6, -0.1), TRAIN)
    assert (found["errors"] == 0).all() and (found["share of errors"] == 0).all()


@pytest.mark.parametrize(("text", "logs"), [("the cat", np.zeros(7)), ("a", np.zeros(1)), ("", np.zeros(0))])
def test_log_probabilities_of_another_text_are_refused(text, logs):
    with pytest.raises(ValueError, match="but the first. Received: shape"):
        inspection.error_types(text, logs, TRAIN)


def test_the_plot_has_two_bars_for_each_kind():
    figure = inspection.plot_error_types(inspection.error_types("the cat", np.full(6, -0.9), TRAIN), "errors")
    axes, = figure.axes
    assert len(axes.patches) == 2 * len(KINDS) and [t.get_text() for t in axes.get_yticklabels()] == list(KINDS)
