"""Lines that are completed: exact generators, learning, any prompt, scores beside counts, bundles, and bad input."""

import json
import re
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import zoo
from zoo import bundle, cards
from zoo.bundle import BundleError
from zoo.data import DataError, lines
from zoo.data.lines import LETTERS, LineParts, Lines
from zoo.evaluation import completion
from zoo.evaluation.completion import ACCURACY, EXACT, MEASURE, OVERALL
from zoo.tasks import Completer
from zoo.tasks.completer import Asked

QUICK = {"epochs": 25, "patience": 25, "learning_rate": 0.02, "batch_size": 8}
PAIRS = [(a + b, b) for a in "abcdef" for b in "uvwxyz"]        # the second letter again


def small(**options):
    return Completer(**{"units": 12, "recipe": QUICK, **options})


@lru_cache
def fitted():
    return small().fit(Lines.of_pairs(PAIRS, mark=">", name="seconds"))


# ------------------------------------------------------------------ the generators
@pytest.mark.parametrize(("digits", "letters"), [(1, ""), (3, LETTERS), (8, "xyz")])
def test_the_result_of_every_sum_is_that_of_pythons_integers(digits, letters):
    rng, minus, lengths = np.random.default_rng(1), 0, set()
    for _ in range(500):
        question, result = lines.sum_of(rng, digits, letters).rstrip(".").split("=")
        bare = re.sub("[a-z]", "", question)
        a, sign, b = re.fullmatch(r"(\d+)([+-])(\d+)", bare).groups()
        assert int(result) == (int(a) + int(b) if sign == "+" else int(a) - int(b)) and str(int(a)) == a and str(int(b)) == b
        assert set(question) - set(bare) <= set(letters)
        minus, lengths = minus + (sign == "-"), lengths | {len(a), len(b)}
    assert 200 < minus < 300 and lengths == set(range(1, digits + 1))


def test_every_other_symbol_of_a_sum_is_a_letter_about():
    rng = np.random.default_rng(2)
    questions = "".join(lines.sum_of(rng).split("=")[0] + "=" for _ in range(2000))
    assert 0.47 < np.mean([symbol.isalpha() for symbol in questions]) < 0.53


def determined(text):
    """Of each symbol of a document whether only one could stand there, by a stack, read from left to right."""
    found, stack, place = [], [], 0
    while text[place:] != ".":
        full = place >= lines.FULL
        assert text[place] == "<" and (stack or not full)
        if text[place + 1] == "/":
            name = stack.pop()
            assert text.startswith(f"</{name}>", place)
            tag, sure = f"</{name}>", [True, full] + [True] * (len(name) + 1)
        else:
            name = re.match(r"<([a-z]{2,10})>", text[place:]).group(1)
            stack.append(name)
            assert not full
            tag, sure = f"<{name}>", [True] + [False] * len(name) + [len(name) == 10]
        found += sure
        place += len(tag)
    assert not stack and place >= lines.FULL
    return [*found, True]


def test_documents_are_nested_and_ended_and_what_is_determined_is_asked_for():
    rng = np.random.default_rng(3)
    depths = set()
    for _ in range(300):
        text, asked = lines.document(rng)
        assert list(asked) == determined(text)
        steps = [1 if tag[0] != "/" else -1 for tag in re.findall("<([^>]*)>", text)]
        depths.add(max(np.cumsum(steps)))
    assert {1, 2, 3, 4, 5} <= depths | {1} and 2 in depths


SMALL = {
    "arithmetic": lambda seed: lines.arithmetic(3, (300, 50, 60), seed),
    "xml": lambda seed: lines.xml((50, 10, 20), seed),
    "memorize": lambda seed: lines.memorize(5, (300, 50, 60), seed),
    "alphabet": lines.alphabet_backwards,
    "anagram": lambda seed: lines.anagram([a + "bcd" + e for a in "fghij" for e in "klmno"], 5, seed),
}


@pytest.mark.parametrize("make", SMALL.values(), ids=SMALL)
def test_the_same_seed_gives_the_same_lines_another_others_and_no_line_is_in_two_parts(make):
    parts, again, other = make(0), make(0), make(1)
    assert parts.fingerprint == again.fingerprint != other.fingerprint and len(parts) == sum(map(len, parts.parts.values()))
    texts = [set(part.texts) for part in (parts.train, parts.valid, parts.test)]
    assert not texts[0] & texts[1] and not texts[0] & texts[2] and not texts[1] & texts[2]
    assert list(parts.spans) == ["train", "valid", *parts.tests]


def test_sums_that_no_training_line_has_are_a_second_test():
    parts = lines.arithmetic(1, (200, 20, 60))
    new = parts.tests["sums that no training line has"]
    known = {lines.without_letters(text) for text in parts.train.texts}
    assert 0 < len(new) < len(parts.test) and not known & {lines.without_letters(text) for text in new.texts}


@pytest.mark.parametrize(("draw", "words"), [
    (lambda: lines.arithmetic(0), "digits are a whole number from 1 to 18. Received: 0"),
    (lambda: lines.arithmetic(2.5), "digits are a whole number"),
    (lambda: lines.arithmetic(letters="+"), "letters are some of a to z"),
    (lambda: lines.arithmetic(counts=(5, 2)), r"such as \(1000, 100, 100\). Received: \(5, 2\)"),
    (lambda: lines.xml(counts=5), "Received: 5"),
    (lambda: lines.xml(counts=(0, 2, 2)), r"Received: \(0, 2, 2\)"),
    (lambda: lines.memorize(length=-1), "length is a whole number of letters from 1 on. Received: -1"),
])
def test_lines_that_cannot_be_drawn_are_refused_in_a_sentence(draw, words):
    with pytest.raises(DataError, match=words):
        draw()


def test_numbers_may_have_eighteen_digits():
    part = lines.arithmetic(18, (20, 5, 5)).train
    for text in part.texts:
        question, result = lines.without_letters(text).rstrip(".").split("=")
        assert eval(question) == int(result)                       # sums that the generator wrote
    assert max(map(len, part.texts)) > 40


def test_a_small_space_of_lines_is_refused_where_parts_must_differ():
    with pytest.raises(DataError, match="too few different lines for parts of 200, 5, 5. Ask for fewer"):
        lines.memorize(1, (200, 5, 5))


def test_letters_are_copied_recited_and_unscrambled():
    assert all(text[:5] == text[6:11] and text[5] + text[11] == ">." for text in SMALL["memorize"](0).train.texts)
    parts = SMALL["alphabet"](0)
    assert len(parts) == 325
    for text in (text for part in parts.parts.values() for text in part.texts):
        (first, _, last), answer = text[:3], text[4:-1]
        assert answer == LETTERS[LETTERS.index(last) : LETTERS.index(first) + 1][::-1]
    parts = SMALL["anagram"](0)
    for part in parts.parts.values():
        assert all(sorted(question) == sorted(answer) and question != answer for question, answer in part.pairs)
    words = [{answer for _, answer in part.pairs} for part in parts.parts.values()]
    assert words[0] == words[1] == words[2] and len(words[3]) == 2 and not words[0] & words[3]


def test_words_of_python_are_words():
    words = lines.words_of_python()
    assert {"value", "return", "class"} <= set(words) and all(re.fullmatch("[a-z]{5,7}", word) for word in words)


# ------------------------------------------------------------------ lines of one's own
def test_lines_come_from_pairs_and_from_a_file(tmp_path):
    (tmp_path / "sums.txt").write_text("1+1=2\r\n\n2+2=4\n", encoding="utf-8")
    found = Lines.read(tmp_path / "sums.txt")
    assert found.texts == ("1+1=2\n", "2+2=4\n") and found.name == "sums" and found.pairs == [("1+1", "2"), ("2+2", "4")]
    assert found.fingerprint == Lines.of_pairs([("1+1", "2"), ("2+2", "4")]).fingerprint
    assert [each.tolist() for each in found.asked] == [[False] * 4 + [True] * 2] * 2
    assert found[1:].texts == ("2+2=4\n",) and found[np.array([1, 0])].pairs[0] == ("2+2", "4")


@pytest.mark.parametrize(("make", "words"), [
    (lambda: Lines([]), "There are no lines"),
    (lambda: Lines(["1=1"]), r"Line 0 must be a string with '\.' at its end only. Received: '1=1'"),
    (lambda: Lines(["1=1.", "2.=2."]), "Line 1 must be a string with"),
    (lambda: Lines([3]), "Line 0 must be a string"),
    (lambda: Lines(["11."]), "Line 0 has no mark '=' between question and answer: '11.'"),
    (lambda: Lines(["1=1."], mark="=="), "mark must be one character. Received: '=='"),
    (lambda: Lines(["1=1."], end=""), "end must be one character"),
    (lambda: Lines(["1.1."], mark="."), "mark and end must differ"),
    (lambda: Lines(["1=1."])[0], r"Lines are chosen as lines\[a:b\]"),
    (lambda: Lines.of_pairs([("a", "b"), "cd"]), "Pair 1 must be a question and an answer, two strings. Received: 'cd'"),
    (lambda: Lines.of_pairs([("a", 3)]), "Pair 0 must be a question and an answer"),
    (lambda: Lines.of_pairs([("a=", "b")]), r"Pair 0, \('a=', 'b'\): '=' may not be in a question.* Choose another"),
    (lambda: Lines.of_pairs([("a", "b\n")]), "Pair 0"),
    (lambda: lines.split(Lines.of_pairs([("a", "b")] * 30)), "There are 1 different lines; at least 10"),
    (lambda: lines.anagram(["abc"] * 30), "There are 1 different words; at least 20"),
    (lambda: lines.anagram([a * 5 for a in LETTERS]), "The letters of 'aaaaa' have 0 other orders; at least 3"),
])
def test_lines_that_cannot_be_used_are_one_error(make, words):
    with pytest.raises(DataError, match=words):
        make()


def test_a_file_whose_line_has_no_mark_is_refused_by_its_number(tmp_path):
    (tmp_path / "sums.txt").write_text("1+1=2\n\n2+2:4\n", encoding="utf-8")
    with pytest.raises(DataError, match="line 3, has no '=' between question and answer: '2\\+2:4'"):
        Completer.read(tmp_path / "sums.txt")
    with pytest.raises(DataError, match="mark=, on the command line --mark"):
        Completer.read(tmp_path / "sums.txt")
    with pytest.raises(DataError, match="mark must be one character. Received: '=>'"):
        Completer.read(tmp_path / "sums.txt", mark="=>")
    assert Completer.read(tmp_path / "sums.txt", mark="+").pairs[0] == ("1", "1=2")


# ------------------------------------------------------------------ learning
def test_batches_hold_what_is_asked_for_and_nothing_else():
    numbers = [np.array([1, 5, 6, 7, 8]), np.array([1, 9, 6])]
    asked = [np.array([False, False, True, True]), np.array([True, False])]
    given, wanted = Asked(numbers, asked, batch_size=2)[0]
    order = np.argsort(given[:, 1])
    np.testing.assert_array_equal(given[order], [[1, 5, 6, 7, 8], [1, 9, 6, 0, 0]])
    np.testing.assert_array_equal(wanted[order], [[0, 0, 7, 8, 0], [9, 0, 0, 0, 0]])


def test_it_learns_and_completes_and_its_mark_is_put_in():
    task = fitted()
    assert task.complete("ax") == task.complete("ax>") == "x" and task.complete("ax>x") == ""
    prompts = [question for question, _ in PAIRS] * 3 + ["z", "bz>", "abcdu"]
    found = task.complete(prompts)
    assert len(found) == len(prompts) and found[:36] == found[36:72]
    assert np.mean([f == answer for f, (_, answer) in zip(found[:36], PAIRS, strict=True)]) > 0.9
    assert [task.complete(each) for each in prompts[-4:]] == found[-4:] and task.complete([]) == []
    assert task.report.samples == 28 and task.longest == 4


def test_a_line_is_complete_exactly_where_no_symbol_of_it_is_wrong():
    task, data = fitted(), Lines.of_pairs(PAIRS, mark=">")
    exact = [found == answer for found, (_, answer) in zip(task.complete([q for q, _ in PAIRS]), PAIRS, strict=True)]
    assert task.score(data).loc["model", EXACT] == pytest.approx(np.mean(exact))


def test_the_same_seed_gives_the_same_model_whatever_the_test_part_is():
    parts = lines.split(Lines.of_pairs(PAIRS, mark=">", name="seconds"))
    again = small().fit(LineParts(parts.train, parts.valid, {"other": Lines.of_pairs([("q", "r")], mark=">")}))
    assert all(map(np.array_equal, fitted().model.get_weights(), again.model.get_weights()))


@pytest.mark.parametrize(("cell", "layers"), [("lstm", 2), ("mut1", 1)])
def test_any_cell_completes_documents_from_nothing(cell, layers):
    task = small(cell=cell, layers=layers, everywhere=True, embedding=5, recipe={"epochs": 1}).fit(SMALL["xml"](0))
    assert task.mark == "" and len(task.complete("", longest=300)) <= 300
    row = task.score(SMALL["xml"](0).test).loc["model"]
    assert 0 <= row[OVERALL] <= 1 and row[ACCURACY] == pytest.approx(1 - row[MEASURE])


# ------------------------------------------------------------------ completing whatever is asked
@settings(max_examples=40, deadline=None)
@given(prompt=st.text(max_size=12) | st.text("abcdefuvwxyz>", max_size=70), longest=st.integers(1, 6) | st.none())
def test_whatever_the_prompt_it_is_completed_in_time_or_refused_by_name(prompt, longest):
    task = fitted()
    unknown = [symbol for symbol in prompt if symbol not in "abcdefuvwxyz>\n"]
    if "\n" in prompt:
        with pytest.raises(DataError, match="which ends a line. Leave it out"):
            task.complete(prompt, longest)
    elif unknown:
        with pytest.raises(DataError, match="the completer has never seen .* It knows: > a b c d e f u v w x y z") as error:
            task.complete(prompt, longest)
        assert repr(unknown[0]) in str(error.value)
    elif not prompt.partition(">")[0]:
        with pytest.raises(DataError, match="is empty. Write what stands before '>', or leave it out"):
            task.complete(prompt, longest)
    else:
        found = task.complete(prompt, longest)
        assert len(found) <= (longest or task.longest) and set(found) <= set("abcdefuvwxyz>")


def test_an_answer_that_never_ends_is_cut_off():
    task = small(recipe={"epochs": 1, "learning_rate": 1e-6}).fit(Lines.of_pairs(PAIRS, mark=">"))
    kernel, bias = task.model.layers[-1].get_weights()
    end = 2 + task.vocabulary.encode("\n")[0]
    task.model.layers[-1].set_weights([0 * kernel, np.where(np.arange(len(bias)) == end, -9, bias)])
    assert len(task.complete("ax", longest=700)) == 700 and len(task.complete("ax")) == task.longest
    assert [len(each) for each in task.complete(["ax", "b"], longest=70)] == [70, 70]


@pytest.mark.parametrize(("ask", "words"), [
    (lambda task: task.complete(3), "A prompt is a string, or a list of strings. Received: int"),
    (lambda task: task.complete(["ax", 3]), "A prompt is a string. Received: int"),
    (lambda task: task.complete("ax", longest=0), "longest must be a positive integer. Received: 0"),
    (lambda task: task.complete("ax", longest=2.5), "longest must be a positive integer. Received: 2.5"),
    (lambda task: task.complete("a1!"), "The prompt 'a1!': the completer has never seen '1', '!'. It knows: > a b c"),
    (lambda task: task.complete(["ax", "a1"]), "Prompt 2 of 2, 'a1': the completer has never seen '1'"),
    (lambda task: task.score([("a1", "2")]), "Lines: the completer has never seen '1', '2'"),
    (lambda task: task.score("abc"), "Lines are a zoo.data.lines.Lines.* Received: str"),
    (lambda task: task.split(7), "Lines are a zoo.data.lines.Lines.* Received: int"),
    (lambda task: Completer().complete("a"), r"not trained yet: call fit\(data\)"),
    (lambda task: Completer(cell="grru"), "There is no cell 'grru'. Did you mean: gru"),
    (lambda task: Completer(cell="narmax"), "narmax needs the true output"),
    (lambda task: Completer(recipe={"method": "lm"}), "A Completer is trained by Adam"),
    (lambda task: Completer(units=0), "units"),
])
def test_bad_input_is_one_clear_error(ask, words):
    with pytest.raises((ValueError, RuntimeError, TypeError), match=words):
        ask(fitted())


def test_a_symbol_that_only_the_validation_lines_have_is_refused():
    parts = LineParts(Lines.of_pairs(PAIRS), Lines.of_pairs([("q", "a")]), {"test": Lines.of_pairs(PAIRS)})
    with pytest.raises(DataError, match="Lines: the completer has never seen 'q'"):
        small().fit(parts)


# ------------------------------------------------------------------ scores and baselines
def test_scores_count_what_is_asked_for_and_whole_lines():
    data = Lines(["1=23.", "2=4."])
    found = completion.scores(data, ["x=23.", "2=5."], everywhere=True)
    assert found == {MEASURE: pytest.approx(1 / 5), ACCURACY: 0.8, EXACT: 0.5, OVERALL: pytest.approx(7 / 9)}


def test_the_baselines_guess_what_they_say():
    known = [("cab", "abc"), ("bca", "abc"), ("fed", "def"), ("efd", "def"), ("ab", "ba")]
    part = Lines.of_pairs(known, mark=">", end=".")
    parts = LineParts(part, part, {"test": part}, {**completion.OF_WORDS, **completion.COUNTED})
    asked = Lines.of_pairs([("bac", "abc"), ("xy", "yx")], mark=">", end=".")
    found = {name: guess(asked) for name, guess in completion.baselines(parts).items()}
    assert found["look-up of known words"] == ["bac>abc.", "xy>xy."]
    assert found["letters as they stand"] == ["bac>bac.", "xy>xy."]
    assert found["likeliest at its place"] == ["bac>abc.", "xy>abc"]
    assert all(len(guess) == len(text) for guess, text in zip(found["n-gram"], asked.texts, strict=True))
    assert completion.baselines(parts)["n-gram"] is parts.fitted["n-gram"]


def test_n_grams_recite_the_alphabet_but_do_not_know_where_to_stop():
    parts = SMALL["alphabet"](0)
    guesses = completion.n_gram(parts)(parts.test)
    inner = [g[k] == t[k] for g, t in zip(guesses, parts.test.texts, strict=True) for k in range(6, len(t) - 1)]
    assert np.mean(inner) > 0.95 and completion.scores(parts.test, guesses)[EXACT] < 0.2


def test_the_metrics_are_those_of_a_card():
    task, parts = fitted(), lines.split(Lines.of_pairs(PAIRS, mark=">", name="seconds"))
    metrics = task.evaluate(parts)
    assert metrics["measure"] == MEASURE and cards.judged(metrics, "test") == metrics["scores"]["next symbol"]["model"][MEASURE]
    assert set(metrics["scores"]["next symbol"]) == {"model", *completion.COUNTED}
    assert "Next symbol: the model" in metrics["verdict"]
    assert metrics["title"] == "Test of seconds, 4 lines"
    assert task.score(parts).loc["next symbol"].index[0] == "model"


# ------------------------------------------------------------------ the bundle
def test_a_bundle_gives_the_same_completions_and_passes_its_check(tmp_path):
    task = fitted()
    task.save(tmp_path / "mine")
    again = zoo.load(tmp_path / "mine")
    prompts = ["ax", "fz", "b"]
    assert isinstance(again, Completer) and again.complete(prompts) == task.complete(prompts)
    assert (again.mark, again.end, again.longest) == (">", "\n", 4) and bundle.verify(tmp_path / "mine")[1] == 0
    assert bundle.read_card(tmp_path / "mine")["pattern"] == "many-to-many"


def test_a_bundle_without_its_vocabulary_is_refused(tmp_path, monkeypatch):
    fitted().save(tmp_path / "mine")
    model, config = bundle.load(tmp_path / "mine")
    monkeypatch.setattr(bundle, "load", lambda path: (model, {**config, "vocabulary": None}))
    with pytest.raises(BundleError, match="holds no vocabulary"):
        Completer.load(tmp_path / "mine")


# ---------------------------------------------------------------- the command line
def test_lines_of_ones_own_on_the_command_line(run, tmp_path):
    pairs = [(f"{a}{b}", f"{b}{a}") for a in "abcdef" for b in "abcdef"]
    (tmp_path / "turned.txt").write_text("".join(f"{question}>{answer}\n" for question, answer in pairs))
    asked = ["--text", "turned.txt", "--mark", ">"]
    code, out, err = run("train", "memorize", *asked, "--epochs", 1, "--units", 4)
    assert code == 0 and "turned: 36 lines" in out and "nats per symbol" in err, err
    card = json.loads((tmp_path / "memorize" / "card.json").read_text())
    assert card["commands"]["evaluate"] == "zoo evaluate memorize --text turned.txt --mark '>'"
    code, out, err = run("evaluate", "./memorize", *asked)
    assert code == 0 and "is confirmed" in out, err
    code, out, err = run("complete", "./memorize", "ab", "fc>", "--longest", 3)
    assert code == 0 and len(out.splitlines()) == 2 and all(len(line) <= 3 for line in out.splitlines()), err


@pytest.mark.parametrize(("arguments", "code", "words"), [
    (["complete", "char-rnn", "a"], 2, "char-rnn completes no lines. Models that do: alphabet-backwards, anagram, arithmetic"),
    (["complete", "arithmetic", "1+x%"], 1, "the completer has never seen '%'"),
    (["complete", "arithmetic", "1+1", "--csv", "a.csv", "--column", "a"], 2, "give texts, or --csv FILE with --column NAME"),
    (["train", "memorize", "--text", "lines.txt", "--mark", ">"], 1, "line 2, has no '>' between question and answer"),
    (["train", "memorize", "--text", "lines.txt", "--column", "a"], 2, "--column: memorize has no such option"),
    (["train", "char-rnn", "--text", "lines.txt", "--mark", ">"], 2, "--mark: char-rnn has no such option"),
])
def test_what_cannot_be_completed_or_read_is_said(run, tmp_path, arguments, code, words):
    (tmp_path / "lines.txt").write_text("a>b\nc=d\n")
    found, _, err = run(*arguments)
    assert (found, words in err) == (code, True), err
