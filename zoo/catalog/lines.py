"""Networks that complete lines of symbols: small problems with exact answers."""

from zoo.registry import Entry, Weights

COMPLETER = "zoo.tasks.completer:Completer"
MUTANTS = "Jozefowicz, Zaremba & Sutskever 2015, An empirical exploration of recurrent network architectures"

ENTRIES = [
    Entry(
        name="arithmetic",
        pattern="many-to-many",
        title="The result of a sum, digit by digit",
        teaches="read a sum or difference of two numbers of up to 3 digits with letters mixed in, keep what matters, and write "
        "the result from its first digit on, `1k2+30` to `42`; the end of a line is a symbol too; exact answers",
        task=COMPLETER,
        arguments={
            "cell": "mut1",
            "units": 160,
            "recipe": {"epochs": 4, "patience": 4, "learning_rate": 8e-3, "batch_size": 64, "schedule": "cosine"},
        },
        metric="share of the results' symbols, ends among them, that are not the likeliest given all before; of exact results",
        reference=MUTANTS,
        notebook="arithmetic.ipynb",
        weights={"mut1": Weights(data="zoo.data.lines:arithmetic", dataset="arithmetic")},
    ),
    Entry(
        name="xml",
        pattern="many-to-many",
        title="Tags that are opened and closed",
        teaches="remember names of random letters, innermost last: what is determined by the rule is told apart from what is "
        "chance, and no n-gram reaches far enough back; after `<ab><cd></` only `cd>` can come",
        task=COMPLETER,
        arguments={
            "cell": "mut1",
            "units": 192,
            "everywhere": True,
            "recipe": {
                "epochs": 10,
                "patience": 10,
                "learning_rate": 5e-3,
                "batch_size": 64,
                "schedule": "cosine",
                "clip_norm": 1.0,
            },
        },
        metric="share of the symbols that are determined, and of all symbols, that are not the likeliest given all before",
        reference=MUTANTS,
        notebook="xml.ipynb",
        weights={"mut1": Weights(data="zoo.data.lines:xml", dataset="xml")},
    ),
    Entry(
        name="memorize",
        pattern="many-to-many",
        title="Five letters, again",
        teaches="the smallest encoder and decoder: letters are read, kept in a state of fixed size, and written again, "
        "`qwert` to `qwert`",
        task=COMPLETER,
        arguments={
            "cell": "gru",
            "units": 96,
            "recipe": {"epochs": 3, "patience": 3, "learning_rate": 6e-3, "batch_size": 64},
        },
        metric="share of the letters of the answer, and of its end, that are not the likeliest given all before",
        reference="Hochreiter & Schmidhuber 1997, Long short-term memory (tasks of this kind)",
        notebook="memorize.ipynb",
        weights={"gru": Weights(data="zoo.data.lines:memorize", dataset="memorize")},
    ),
    Entry(
        name="alphabet-backwards",
        pattern="many-to-many",
        title="The alphabet backwards, from one letter to another",
        teaches="each letter leads to the one before it, which counting pairs of letters learns, too; where to begin and where "
        "to stop must be remembered, for pairs of letters that were never practised: `f-b` to `fedcb`",
        task=COMPLETER,
        arguments={
            "cell": "gru",
            "units": 64,
            "dropout": 0.2,
            "recipe": {"epochs": 80, "patience": 30, "learning_rate": 1e-2, "batch_size": 16, "decay": 0.02},
        },
        metric="share of the answers' letters, and of their ends, that are not the likeliest given all before, on pairs of "
        "letters that no training line has",
        reference="Elman 1990, Finding structure in time (the network)",
        notebook="alphabet-backwards.ipynb",
        weights={"gru": Weights(data="zoo.data.lines:alphabet_backwards", dataset="alphabet_backwards")},
    ),
    Entry(
        name="anagram",
        pattern="many-to-many",
        title="Words from their letters in disorder",
        teaches="what a network knows by heart and what it cannot know: known words in new disorder, and words never seen: "
        "`tnirp` to `print`",
        task=COMPLETER,
        arguments={
            "cell": "gru",
            "units": 128,
            "recipe": {"epochs": 4, "patience": 4, "learning_rate": 8e-3, "batch_size": 64},
        },
        metric="share of the answers' letters, and of their ends, that are not the likeliest given all before: of known words "
        "in new disorder, and of words that no training line has, beside a look-up",
        reference="Sutskever, Vinyals & Le 2014, Sequence to sequence learning with neural networks",
        notebook="anagram.ipynb",
        weights={"gru": Weights(data="zoo.data.lines:anagram", dataset="python_source")},
    ),
]
