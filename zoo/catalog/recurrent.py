"""Time-series models of gated cells: many to one, and from sequence to sequence."""

from zoo.catalog.narx import METRIC
from zoo.registry import FORECASTER, Entry, Weights

CHO_2014 = (
    "Cho et al. 2014, Learning phrase representations using RNN encoder-decoder for statistical machine translation"
)

ENTRIES = [
    Entry(
        name="rnn-solar",
        pattern="many-to-one",
        title="Solar irradiance, 24 hours at once, by a GRU",
        teaches="a window of the past read by a gated cell; errors counted in the unit of the score; early stopping",
        task=FORECASTER,
        arguments={
            "cell": "gru",
            "strategy": "direct",
            "units": 16,
            "window": 48,
            "horizon": 24,
            "transform": "clear_sky_index",
            "recipe": {"method": "adam", "epochs": 60, "patience": 6, "learning_rate": 1e-3},
        },
        metric=METRIC,
        reference=CHO_2014,
        notebook="rnn-solar.ipynb",
        weights={"greensboro": Weights(data="zoo.data.solar:greensboro", dataset="greensboro")},
    ),
    Entry(
        name="seq2seq-solar",
        pattern="many-to-many",
        title="Solar irradiance, 24 hours, from sequence to sequence",
        teaches="an encoder that reads the past and a decoder that writes the future; what to feed the decoder with",
        task=FORECASTER,
        arguments={
            "cell": "gru",
            "strategy": "seq2seq",
            "units": 16,
            "window": 48,
            "cell_options": {"dropout": 0.1},
            "horizon": 24,
            "transform": "clear_sky_index",
            "recipe": {"method": "adam", "epochs": 60, "patience": 6, "learning_rate": 2e-3},
        },
        metric=METRIC,
        reference="Sutskever, Vinyals & Le 2014, Sequence to sequence learning with neural networks; Cho et al. 2014",
        notebook="seq2seq-solar.ipynb",
        weights={"greensboro": Weights(data="zoo.data.solar:greensboro", dataset="greensboro")},
    ),
    Entry(
        name="rnn-stock",
        pattern="many-to-one",
        title="A stock index, the next session's return and its direction, by a GRU",
        teaches='that "always up" is the rule to beat, with an interval and a probability; and what it means not to',
        task=FORECASTER,
        arguments={
            "cell": "gru",
            "strategy": "direct",
            "units": 8,
            "window": 60,
            "horizon": 1,
            "transform": "log_return",
            "recipe": {"method": "adam", "epochs": 60, "patience": 8, "learning_rate": 1e-3, "decay": 0.1},
        },
        metric=METRIC + '; directions right beside "always up", Brier score of the probability of a rise',
        reference=CHO_2014,
        notebook="rnn-stock.ipynb",
        weights={"sp500": Weights(data="zoo.data.stocks:sp500", dataset="sp500")},
    ),
]
