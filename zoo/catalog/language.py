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
            "recipe": {"batch": 32, "epochs": 20, "patience": 20, "learning_rate": 4e-3},
        },
        metric="nats and bits per character on the last tenth of the text, beside the best n-gram",
        reference="Karpathy 2015, The unreasonable effectiveness of recurrent neural networks; Sutskever, Martens & Hinton "
        "2011, Generating text with recurrent neural networks",
        notebook="char-rnn.ipynb",
        weights={"lstm-shakespeare": Weights(data="zoo.data.corpora:shakespeare", dataset="tinyshakespeare")},
    ),
    Entry(
        name="skip-gram",
        pattern="one-to-one",
        title="Words of Python as vectors, learned from what stands around them",
        teaches="projected words: skip-gram and CBOW with negative sampling, beside the counts that they condense; nearest "
        "words, analogies, a map",
        task="zoo.tasks.word_vectors:WordVectors",
        arguments={
            "method": "skip-gram",
            "words": "source",
            "width": 64,
            "window": 2,
            "recipe": {"epochs": 4, "learning_rate": 5e-3, "batch_size": 16384},
        },
        metric="1 − MRR of the true word among all, guessed from those around it in the last tenth of the text, beside counts, "
        "PPMI and its SVD",
        reference="Mikolov et al. 2013, Distributed representations of words and phrases and their compositionality; Levy & "
        "Goldberg 2014, Neural word embedding as implicit matrix factorization",
        notebook="skip-gram.ipynb",
        weights={"python": Weights(data="zoo.data.corpora:python_source", dataset="python_source")},
    ),
]
