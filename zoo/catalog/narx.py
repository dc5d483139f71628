"""Time-series models: NARX, and its finite-response relative."""

from zoo.registry import Entry, Weights

FORECASTER = "zoo.tasks.forecaster:Forecaster"
METRIC = "RMSE over the test part, rolling origin, beside every baseline"
LIN_1996 = "Lin, Horne, Tiňo & Giles 1996, Learning long-term dependencies in NARX recurrent neural networks"

ENTRIES = [
    Entry(
        name="narx-solar",
        pattern="narx",
        title="Solar irradiance, 24 hours ahead",
        teaches="open loop for training, closed loop for forecasting; inputs known in advance; honest baselines",
        task=FORECASTER,
        arguments={
            "units": 8,
            "output_taps": (1, 2, 3, 24),
            "input_taps": (0,),
            "horizon": 24,
            "transform": "clear_sky_index",
            "recipe": {"method": "lm", "epochs": 100, "patience": 10, "decay": 10.0},
        },
        metric=METRIC,
        reference=LIN_1996,
        notebook="narx-solar.ipynb",
        weights={"greensboro": Weights(data="zoo.data.solar:greensboro", dataset="greensboro")},
    ),
    Entry(
        name="narx-stock",
        pattern="narx",
        title="A stock index, five sessions ahead",
        teaches="why a price forecast that looks right is a copy of yesterday, and how a report tells",
        task=FORECASTER,
        arguments={
            "units": 4,
            "output_taps": 5,
            "input_taps": (0,),
            "horizon": 5,
            "transform": "log_return",
            "recipe": {"method": "lm", "epochs": 100, "patience": 10, "decay": 100.0},
        },
        metric=METRIC,
        reference=LIN_1996,
        notebook="narx-stock.ipynb",
        weights={"sp500": Weights(data="zoo.data.stocks:sp500", dataset="sp500")},
    ),
    Entry(
        name="tdnn-stock",
        pattern="tdnn",
        title="A stock index, one session ahead, without feedback",
        teaches="the predictor of finite response: tapped delays of the inputs and no memory beyond them",
        task=FORECASTER,
        arguments={
            "units": 4,
            "output_taps": 0,
            "input_taps": (0, 1, 2, 3, 4),
            "horizon": 1,
            "transform": "log_return",
            "recipe": {"method": "lm", "epochs": 100, "patience": 10, "decay": 100.0},
        },
        metric=METRIC,
        reference="Waibel, Hanazawa, Hinton, Shikano & Lang 1989, Phoneme recognition using time-delay neural networks",
        notebook="narx-stock.ipynb",
        weights={"sp500": Weights(data="zoo.data.stocks:sp500_with_close", dataset="sp500")},
    ),
]
