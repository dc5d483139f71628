"""Models that read a whole text and say which label it has: many to one."""

from zoo.registry import Entry, Weights

CLASSIFIER = "zoo.tasks.classifier:Classifier"

ENTRIES = [
    Entry(
        name="sentiment",
        pattern="many-to-one",
        title="Is a sentence of a film review for the film, or against it?",
        teaches="words as vectors that are learned, a sentence read in both directions, padding that changes nothing; "
        "and how hard a bag of words is to beat",
        task=CLASSIFIER,
        arguments={
            "cell": "lstm",
            "symbols": "words",
            "units": 16,
            "embedding": 32,
            "bidirectional": True,
            "pooling": "max",
            "least": 2,
            "dropout": 0.5,
            "symbol_dropout": 0.3,
            "recipe": {"decay": 0.1},
        },
        metric="error rate over test sentences, beside logistic regressions of the words and of pairs of words",
        reference="Graves & Schmidhuber 2005 (the network); Pang & Lee 2005 (the task)",
        notebook="sentiment.ipynb",
        weights={"bilstm-rt": Weights(data="zoo.data.labelled:film_reviews", dataset="rt_polarity")},
    ),
    Entry(
        name="name-origin",
        pattern="many-to-one",
        title="Which of 18 languages does a family name come from?",
        teaches="letters read one by one into one state; small labels beside large ones, and a score in which they count alike",
        task=CLASSIFIER,
        arguments={
            "cell": "gru",
            "symbols": "characters",
            "units": 128,
            "embedding": 32,
            "bidirectional": True,
            "dropout": 0.3,
            "balance": 0.25,
            "judge": "1 − macro-F1",
            "recipe": {"learning_rate": 4e-3, "epochs": 20},
        },
        metric="1 − macro-F1 over the test names of 18 languages, beside a logistic regression of character n-grams",
        reference="Cho et al. 2014, Learning phrase representations using RNN encoder-decoder (the cell)",
        notebook="name-origin.ipynb",
        weights={"gru": Weights(data="zoo.data.labelled:names", dataset="names")},
    ),
]
