"""Models of sequences that are no forecasters: an output for each input, or a sequence from one vector."""

from zoo.registry import Entry, Weights

REGRESSOR = "zoo.tasks.sequence_regressor:SequenceRegressor"

ENTRIES = [
    Entry(
        name="soft-sensor",
        pattern="many-to-many",
        title="Irradiance without a pyranometer: a soft sensor",
        teaches="an output for each input, causal; what the past of cheap measurements says of a dear one; strong baselines",
        task=REGRESSOR,
        arguments={"cell": "gru", "units": 8, "relation": "ratio", "recipe": {"decay": 0.05}},
        metric="RMSE over another year, all half hours and daytime, beside linear regression and boosted trees with lags",
        reference="Fortuna, Graziani, Rizzo & Xibilia 2007, Soft sensors for monitoring and control of industrial processes",
        notebook="soft-sensor.ipynb",
        weights={"nsrdb": Weights(data="zoo.data.problems:soft_sensor", dataset="nsrdb")},
    ),
    Entry(
        name="tracking",
        pattern="many-to-many",
        title="Where is it now, and where next? A manoeuvring target from noisy positions",
        teaches="a learned filter that carries its state from step to step and predicts the next, beside Kalman's and others",
        task=REGRESSOR,
        arguments={
            "cell": "gru",
            "units": 64,
            "relation": "difference",
            "recipe": {"epochs": 40, "learning_rate": 5e-3, "batch_size": 64},
        },
        metric="RMSE of a coordinate, now and a step ahead, over other targets: all, straight, turning and accelerating, "
        "beside filters tuned for each",
        reference="Li & Jilkov 2003, Survey of maneuvering target tracking; Blom & Bar-Shalom 1988 (interacting models)",
        notebook="tracking.ipynb",
        weights={"simulated": Weights(data="zoo.data.problems:tracking", dataset="tracking")},
    ),
    Entry(
        name="day-profile",
        pattern="one-to-many",
        title="A day of irradiance from its date and its weather",
        teaches="one vector becomes a sequence: it is the state the cell starts in, and an input of every step",
        task=REGRESSOR,
        arguments={"cell": "gru", "units": 8, "relation": "ratio", "recipe": {"decay": 0.05}},
        metric="RMSE over the days of another year, all hours and daytime, beside climatology and ridge regression",
        reference="Bristow & Campbell 1984, On the relationship between incoming solar radiation and daily maximum and minimum "
        "temperature",
        notebook="day-profile.ipynb",
        weights={"nsrdb": Weights(data="zoo.data.problems:day_profile", dataset="nsrdb")},
    ),
]
