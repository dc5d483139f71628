"""Models that fill in what is not there: a text from its label, a character from those around it."""

from zoo.registry import Entry, Weights

ENTRIES = [
    Entry(
        name="name-writer",
        pattern="one-to-many",
        title="A family name of a language, letter by letter",
        teaches="one label becomes a sequence: it makes the state that the network begins in; writing until an end is written; "
        "n-grams of the same names, and how many names are copies",
        task="zoo.tasks.writer:Writer",
        arguments={
            "cell": "gru",
            "units": 128,
            "embedding": 32,
            "label_embedding": 16,
            "least": 2,
            "dropout": 0.15,
            "recipe": {"epochs": 24, "learning_rate": 5e-3, "batch_size": 128},
        },
        metric="nats per letter of the test names given their language, the end among the letters, beside n-grams of all names "
        "and of each language's",
        reference="Sutskever, Vinyals & Le 2014, Sequence to sequence learning with neural networks; Karpathy & Fei-Fei 2015",
        notebook="name-writer.ipynb",
        weights={"gru": Weights(data="zoo.data.labelled:names", dataset="names")},
    ),
    Entry(
        name="fill-blank",
        pattern="many-to-many",
        title="The missing character, from both sides",
        teaches="two networks that read a text from both ends and meet at the blank, so that no place sees its own character; "
        "how much the other side tells, and n-grams of both sides",
        task="zoo.tasks.blank_filler:BlankFiller",
        arguments={
            "cell": "lstm",
            "units": 128,
            "embedding": 32,
            "head": 128,
            "recipe": {"batch": 32, "chunk": 50, "epochs": 8, "learning_rate": 4e-3},
        },
        metric="nats per character and accuracy on the last tenth of the text, each character missing in its turn, beside "
        "n-grams of one side and of both",
        reference="Schuster & Paliwal 1997, Bidirectional recurrent neural networks; Graves & Schmidhuber 2005 (the cell)",
        notebook="fill-blank.ipynb",
        weights={"blstm": Weights(data="zoo.data.corpora:shakespeare", dataset="tinyshakespeare")},
    ),
]
