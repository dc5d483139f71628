"""Models of language."""

from zoo.registry import Entry, Weights

ENTRIES = [
    Entry(
        name="char-rnn",
        pattern="many-to-many",
        title="A text, character by character",
        teaches="a model of the next character that writes; truncated BPTT with the state carried; n-grams are hard to beat",
        task="zoo.tasks.language_model:LanguageModel",
        arguments={
            "cell": "lstm",
            "units": 128,
            "layers": 2,
            "dropout": 0.1,
            "recipe": {"batch": 32, "epochs": 20, "patience": 20, "learning_rate": 4e-3},
        },
        metric="nats and bits per character on the last tenth of the text, beside the best n-gram",
        reference="Karpathy 2015, The unreasonable effectiveness of recurrent neural networks; Sutskever, Martens & Hinton "
        "2011, Generating text with recurrent neural networks",
        notebook="char-rnn.ipynb",
        weights={"lstm-shakespeare": Weights(data="zoo.data.corpora:shakespeare", dataset="tinyshakespeare")},
    ),
]
