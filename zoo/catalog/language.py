"""Models of language."""

from dataclasses import replace

from zoo.registry import Entry, Weights

SHAKESPEARE = Weights(data="zoo.data.corpora:shakespeare", dataset="tinyshakespeare")
PYTHON = Weights(data="zoo.data.corpora:python_source", dataset="python_source")
BY_CHARACTER = {"batch": 32, "epochs": 20, "patience": 20, "learning_rate": 4e-3}
LARGE = {  # wide, held back by much dropout
    "cell": "gru",
    "units": 384,
    "dropout": 0.5,
    "recipe": {"batch": 32, "epochs": 24, "patience": 24, "learning_rate": 3e-3},
}
WORDS = {
    "symbols": "words",
    "least": 2,
    "layers": 1,
    "tied": True,
    "dropout": 0.5,
    "recipe": {"batch": 32, "chunk": 35, "epochs": 10, "patience": 3, "learning_rate": 5e-3, "sampled": 600},
}

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
            "recipe": BY_CHARACTER,
        },
        metric="nats and bits per character on the last tenth of the text, beside the best n-gram",
        reference="Karpathy 2015, The unreasonable effectiveness of recurrent neural networks; Sutskever, Martens & Hinton "
        "2011, Generating text with recurrent neural networks",
        notebook="char-rnn.ipynb",
        weights={
            "lstm-shakespeare": SHAKESPEARE,
            "mut1-shakespeare": replace(SHAKESPEARE, arguments={"cell": "mut1"}),
            "gru-large-shakespeare": replace(SHAKESPEARE, arguments=LARGE),
            # as many characters as 20 epochs of Shakespeare; rarer ones than least are in few programs
            "lstm-python": replace(PYTHON, arguments={"least": 20, "recipe": {**BY_CHARACTER, "epochs": 5}}),
        },
    ),
    Entry(
        name="word-rnn",
        pattern="many-to-many",
        title="A text, word by word",
        teaches="a model of the next word; projections of words, the same at both ends; the softmax over some words and over "
        "all; what is rare is unknown",
        task="zoo.tasks.language_model:LanguageModel",
        arguments={**WORDS, "cell": "lstm", "units": 128, "embedding": 128},
        metric="nats per word and perplexity on the last tenth of the text, beside the best n-gram of words",
        reference="Mikolov et al. 2010, Recurrent neural network based language model; Press & Wolf 2017, Using the output "
        "embedding to improve language models",
        notebook="word-rnn.ipynb",
        weights={"lstm-shakespeare": SHAKESPEARE},
    ),
    Entry(
        name="nplm",
        pattern="tdnn",
        title="The next word from the last five",
        teaches="the neural probabilistic language model: the projections of the last words, a hidden layer, a softmax; what a "
        "window of fixed length gives beside a state",
        task="zoo.tasks.language_model:LanguageModel",
        arguments={
            **WORDS,
            "cell": "time-delay",
            "cell_options": {"taps": 5, "dropout": 0.2},
            "units": 128,
            "embedding": 64,
        },
        metric="nats per word and perplexity on the last tenth of the text, beside the best n-gram of words",
        reference="Bengio, Ducharme, Vincent & Jauvin 2003, A neural probabilistic language model",
        notebook="nplm.ipynb",
        weights={"shakespeare": SHAKESPEARE},
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
        weights={"python": PYTHON},
    ),
]
