"""Time-series models: NARX, and its finite-response relative."""

from zoo.registry import FORECASTER, Entry, Weights

METRIC = "RMSE over the test part, rolling origin, beside every baseline"
NARX = "zoo.tasks.narx:NARX"
FREE_RUN = "RMSE of the free run over each test, and one step ahead, beside the linear model with the same taps"
ONE_STEP = "RMSE one step ahead, and of the free run, beside the linear model with the same taps"
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
            "recipe": {"method": "lm", "epochs": 100, "patience": 10, "decay": 10.0, "closed_loop": (24,)},
        },
        metric=METRIC,
        reference=LIN_1996,
        notebook="narx-solar.ipynb",
        weights={"greensboro": Weights(data="zoo.data.solar:greensboro", dataset="greensboro")},
    ),
    Entry(
        name="narx-wind",
        pattern="narx",
        title="Wind speed from temperature and pressure, 1 to 6 hours ahead",
        teaches="inputs that are only measured, a network for each step ahead, and how much of it the linear model does",
        task=FORECASTER,
        arguments={
            "strategy": "direct",
            "units": 8,
            "output_taps": (1, 2, 3, 24),
            "input_taps": (0, 1, 3, 6, 24),
            "horizon": 6,
            "calendar_features": ("hour_of_day",),
            "recipe": {"method": "lm", "epochs": 60, "patience": 8, "decay": 10.0},
        },
        metric=METRIC,
        reference=LIN_1996,
        notebook="narx-wind.ipynb",
        weights={
            "greensboro": Weights(data="zoo.data.wind:greensboro", dataset="greensboro"),
            "colorado": Weights(data="zoo.data.wind:colorado", dataset="nsrdb"),
        },
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
    Entry(
        name="narx-silverbox",
        pattern="narx",
        title="An electronic oscillator, run free for 40,000 steps",
        teaches="what one step ahead hides: training in closed loop, and a test beyond the amplitudes of training",
        task=NARX,
        arguments={
            "units": 8,
            "output_taps": 3,
            "input_taps": 3,
            "recipe": {"restarts": 1, "epochs": 120, "patience": 20, "decay": 1e-2, "closed_loop": (20, None)},
        },
        metric=FREE_RUN,
        reference="Wigren & Schoukens 2013, Three free data sets for development and benchmarking in nonlinear system "
        "identification",
        notebook="narx-silverbox.ipynb",
        weights={"multisine": Weights(data="zoo.data.experiments:silverbox", dataset="silverbox")},
    ),
    Entry(
        name="narx-tanks",
        pattern="narx",
        title="Two cascaded water tanks that overflow",
        teaches="a thousand samples of a plant with a hard limit: growing runs in closed loop, several starts, all seeds shown",
        task=NARX,
        arguments={
            "units": 4,
            "output_taps": 3,
            "input_taps": 3,
            "recipe": {
                "restarts": 5,
                "epochs": 60,
                "patience": 30,
                "decay": 1e-2,
                "closed_loop": (20, 100, None),
                "refit": 30,
            },
        },
        metric=FREE_RUN,
        reference="Schoukens, Mattson, Wigren & Noël 2016, Cascaded tanks benchmark combining soft and hard nonlinearities",
        notebook="narx-tanks.ipynb",
        weights={
            "benchmark": Weights(
                data="zoo.data.experiments:cascaded_tanks", dataset="cascaded_tanks", seeds=(0, 1, 2, 3, 4)
            )
        },
    ),
    Entry(
        name="narma10",
        pattern="narx",
        title="NARMA10, a system with a memory of ten steps",
        teaches="a long memory by taps alone: the network finds a known equation, and runs on its own outputs as well",
        task=NARX,
        arguments={
            "units": 10,
            "output_taps": 10,
            "input_taps": tuple(range(1, 11)),
            "recipe": {"restarts": 3, "epochs": 100, "decay": "bayes", "closed_loop": (20, None), "refit": 50},
        },
        metric=FREE_RUN,
        reference="Atiya & Parlos 2000, New results on recurrent network training",
        notebook="narma10.ipynb",
        weights={"uniform": Weights(data="zoo.data.experiments:narma10", dataset="narma10", seeds=(0, 1, 2, 3, 4))},
    ),
    Entry(
        name="mackey-glass",
        pattern="narx",
        title="Chaos from an equation with a delay, six steps ahead",
        teaches="how many weights the data determine (Bayesian regularisation), and how far ahead chaos can be followed",
        task=NARX,
        arguments={
            "units": 30,
            "output_taps": (6, 12, 18, 24),
            "input_taps": 0,
            "skip": False,
            "recipe": {
                "restarts": 1,
                "epochs": 500,
                "patience": 500,
                "decay": "bayes",
                "closed_loop": (),
                "refit": 500,
            },
        },
        metric=ONE_STEP,
        reference="Mackey & Glass 1977, Oscillation and chaos in physiological control systems",
        notebook="chaos.ipynb",
        weights={
            "tau17": Weights(data="zoo.data.experiments:mackey_glass", dataset="mackey_glass", seeds=(0, 1, 2, 3, 4))
        },
    ),
    Entry(
        name="laser",
        pattern="narx",
        title="A laser in a chaotic state (Santa Fe)",
        teaches="measured chaos: far better than linear one step ahead, and where a free run leaves the truth",
        task=NARX,
        arguments={
            "units": 12,
            "output_taps": 12,
            "input_taps": 0,
            "recipe": {"restarts": 3, "decay": 1e-2, "closed_loop": (), "refit": 50},
        },
        metric=ONE_STEP,
        reference="Weigend & Gershenfeld 1994, Time Series Prediction",
        notebook="chaos.ipynb",
        weights={
            "santafe": Weights(data="zoo.data.experiments:laser", dataset="santa_fe_laser", seeds=(0, 1, 2, 3, 4))
        },
    ),
    Entry(
        name="sunspots",
        pattern="narx",
        title="Monthly sunspot numbers",
        teaches="a famous series on which the linear model is hard to beat, and how a score says so",
        task=NARX,
        arguments={
            "units": 4,
            "output_taps": (*range(1, 13), 125, 132),
            "input_taps": 0,
            "recipe": {"restarts": 3, "decay": "bayes", "closed_loop": (), "refit": 30},
        },
        metric=ONE_STEP,
        reference=LIN_1996,
        notebook="linear-wins.ipynb",
        weights={"zurich": Weights(data="zoo.data.experiments:sunspots", dataset="sunspots", seeds=(0, 1, 2, 3, 4))},
    ),
    Entry(
        name="gas-furnace",
        pattern="narx",
        title="Box and Jenkins' gas furnace",
        teaches="two hundred samples of a nearly linear plant: the linear model wins, and the card says so",
        task=NARX,
        arguments={
            "units": 3,
            "output_taps": 3,
            "input_taps": tuple(range(1, 7)),
            "recipe": {"restarts": 5, "decay": "bayes", "closed_loop": (), "refit": 30},
        },
        metric=ONE_STEP,
        reference="Box & Jenkins 1970, Time Series Analysis: Forecasting and Control",
        notebook="linear-wins.ipynb",
        weights={
            "series-j": Weights(data="zoo.data.experiments:gas_furnace", dataset="gas_furnace", seeds=(0, 1, 2, 3, 4))
        },
    ),
]
