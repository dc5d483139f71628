"""One text from another, by an encoder, a decoder and attention."""

from zoo.registry import Entry, Weights

TASK = "zoo.tasks.translator:Translator"
REFERENCE = (
    "Bahdanau, Cho & Bengio 2015, Neural machine translation by jointly learning to align and translate; Luong, Pham & "
)
REFERENCE += "Manning 2015, Effective approaches to attention-based neural machine translation"

TATOEBA = "Apache-2.0; trained on sentences of tatoeba.org, CC BY 2.0 FR"

ENTRIES = [
    Entry(
        name="date-reader",
        pattern="many-to-many",
        title="Dates of 25 languages, as ISO writes them",
        teaches="encoder to decoder, character by character: attention finds the day, the month and the year wherever they "
        "stand; teacher forcing; dates that no training text had",
        task=TASK,
        arguments={
            "cell": "gru",
            "symbols": "characters",
            "units": 64,
            "embedding": 32,
            "attention": "additive",
            "judge": "exact",
            "recipe": {"epochs": 5, "patience": 5, "learning_rate": 4e-3, "schedule": "cosine"},
        },
        metric="share of the test dates that are not exactly right, beside dateutil and the most like training text",
        reference=REFERENCE,
        notebook="date-reader.ipynb",
        weights={"gru-attention": Weights(data="zoo.data.dates:dates", dataset="dates", license="Apache-2.0")},
    ),
    Entry(
        name="translator",
        pattern="many-to-many",
        title="English sentences into French",
        teaches="encoder to decoder, word by word: additive attention, one matrix for reading and writing, beam search, BLEU "
        "with one reference and with all",
        task=TASK,
        arguments={
            "cell": "gru",
            "units": 192,
            "embedding": 96,
            "attention": "additive",
            "tied": True,
            "least": 3,
            "dropout": 0.3,
            "recipe": {"epochs": 10, "patience": 10, "learning_rate": 2e-3, "schedule": "cosine"},
        },
        metric="100 − BLEU (the first reference) of the test sentences, beside a translation memory and phrases looked up",
        reference=REFERENCE,
        notebook="translator.ipynb",
        weights={
            "gru-attention-en-fr": Weights(data="zoo.data.pairs:english_french", dataset="eng_fra", license=TATOEBA)
        },
    ),
]
