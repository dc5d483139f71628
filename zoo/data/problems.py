"""Regression over sequences as the catalog sets it: the sequences, their parts, and the baselines to beat."""

import numpy as np

from zoo.data import solar, synthetic
from zoo.data.sequences import Problem, Sequences
from zoo.evaluation import estimators, filters

YEAR = ("time of the year, sine", "time of the year, cosine")
CLEAR_SKY = "clear sky (W/m²)"
DARK = 20.0  # W/m² of clear-sky irradiance, below which it is no daytime
IRRADIANCE = {"outputs": ("irradiance (W/m²)",), "reference": (CLEAR_SKY,), "lower": 0.0}
WEEKS = 5  # the last of each five weeks of the training year is held out


def soft_sensor():
    """Irradiance at each half hour from temperature, wind and clear sky of the same and earlier half hours, of two years.

    A sequence is a day with the day before it, which is the lead; nothing in it is a measured irradiance. Trained on 2017, of
    which every fifth week is held out to choose by (a year has each season once); tested on 2023. Days whose lead lies in the
    other part are left out.
    """
    train, valid, test = parts_of(days_of_sensor)
    lags = (0, 1, 2, 4, 8, 16, 32, 47)
    baselines = {
        "clear sky × mean index": estimators.share_of_reference,
        "climatology": estimators.climatology(YEAR),
        "linear": estimators.linear(lags, ratio=None),
        "boosted trees": estimators.boosted_trees(lags),
    }
    return Problem(train, valid, test, baselines, name="the soft sensor, 2023")


def days_of_sensor(year):
    """All days of a year but the first, each after its day before: 96 half hours; and the days' numbers."""
    frame = with_year(solar.nsrdb(year).frame)
    names = {
        "temp_air": "temperature (°C)",
        "wind_speed": "wind (m/s)",
        "clear_sky": CLEAR_SKY,
        "day_sin": "time of the day, sine",
        "day_cos": "time of the day, cosine",
        **dict(zip(YEAR, YEAR, strict=True)),
    }
    x = twice(frame[list(names)].to_numpy().reshape(-1, 48, len(names)))
    made = Sequences(
        twice(frame["ghi"].to_numpy().reshape(-1, 48, 1)),
        x,
        inputs=tuple(names.values()),
        lead=48,
        groups={"daytime": x[..., 2] > DARK},
        step=0.5,
        time="hour",
        name=f"days of {year}",
        **IRRADIANCE,
    )
    return made, np.arange(1, len(made) + 1)


def day_profile():
    """The 24 hourly means of a day's irradiance from its date and the weather that is expected of it, of two years.

    The vector holds the time of the year; the day's mean, lowest and highest temperature and mean wind, which are those that
    came about, so **a perfect forecast of them is assumed**; and the mean temperature of the day before. The clear sky of each
    hour is computed and so known. Parts as of `soft_sensor`: trained on 2017, tested on 2023.
    """
    train, valid, test = parts_of(days_of_profile)
    baselines = {
        "clear sky × mean index": estimators.share_of_reference,
        "climatology": estimators.climatology(YEAR),
        "linear": estimators.linear_of_step(),
        "clear sky × linear": estimators.linear_of_step(ratio=True),
    }
    return Problem(train, valid, test, baselines, horizon="a day", name="the day's profile, 2023")


def days_of_profile(year):
    """All days of a year but the first, 24 hours each; and the days' numbers."""
    frame = with_year(solar.nsrdb(year).frame)
    hours = frame[["ghi", "clear_sky"]].to_numpy().reshape(-1, 24, 2, 2).mean(axis=2)
    temperature, wind = (frame[name].to_numpy().reshape(-1, 48) for name in ("temp_air", "wind_speed"))
    features = {
        **{name: frame[name].to_numpy().reshape(-1, 48)[1:, 24] for name in YEAR},
        "mean temperature (°C)": temperature[1:].mean(axis=1),
        "lowest temperature (°C)": temperature[1:].min(axis=1),
        "highest temperature (°C)": temperature[1:].max(axis=1),
        "mean wind (m/s)": wind[1:].mean(axis=1),
        "mean temperature of the day before (°C)": temperature[:-1].mean(axis=1),
    }
    made = Sequences(
        hours[1:, :, :1],
        hours[1:, :, 1:],
        np.stack(list(features.values()), axis=1),
        inputs=(CLEAR_SKY,),
        features=tuple(features),
        groups={"daytime": hours[1:, :, 1] > DARK},
        time="hour",
        name=f"days of {year}",
        **IRRADIANCE,
    )
    return made, np.arange(1, len(made) + 1)


def with_year(frame):
    """The frame with the sine and the cosine of the time of the year, one value a day."""
    angle = 2 * np.pi * (frame.index.day_of_year.to_numpy() - 1) / 365.25
    return frame.assign(**{YEAR[0]: np.sin(angle), YEAR[1]: np.cos(angle)})


def twice(days):
    """(days, steps, columns) -> each but the first after the one before it, (days − 1, 2 · steps, columns)."""
    return np.concatenate([days[:-1], days[1:]], axis=1)


def parts_of(days_of, train=2017, test=2023):
    """The weeks of a year to train on and to choose by, and another year; no sequence reaches into the other part."""
    made, days = days_of(train)
    held, before = (each // 7 % WEEKS == WEEKS - 1 for each in (days, days - 1 if made.lead else days))
    return made[np.flatnonzero(~held & ~before)], made[np.flatnonzero(held & before)], days_of(test)[0]


MEASURED = ("measured x (m)", "measured y (m)")
LEAD = 10  # seconds in which every filter settles


def tracking(train=3000, valid=250, test=500, steps=120, noise=40.0):
    """Where manoeuvring targets are and where they will be a second later, from noisy positions once a second.

    The targets are those of `zoo.data.synthetic.manoeuvring_target`. Each part has targets of its own. The first 10 s of each,
    in which every filter settles, are not scored. Straight, turning and accelerating flight are scored apart, by the motion at
    the moment of the measurement: a manoeuvre that begins in the second after it is one that no prediction can know of.
    """
    parts = [targets_of(count, steps, noise, seed) for count, seed in ((train, 1), (valid, 2), (test, 3))]
    baselines = {
        "measurement": estimators.reference,
        "moving line": estimators.moving_fit(1),
        "Kalman filter": filters.kalman(noise),
        "interacting models": filters.interacting_models(noise),
    }
    return Problem(*parts, baselines, name="the targets")


def targets_of(count, steps, noise=40.0, seed=0):
    """Sequences of measured positions of so many targets, with the true ones of the same second and of the next."""
    measured, truth, modes = synthetic.manoeuvring_target(count, steps + 1, noise=noise, seed=seed)
    modes = modes[:, :-1]
    return Sequences(
        np.concatenate([truth[:, :-1], truth[:, 1:]], axis=2),
        measured[:, :-1],
        outputs=("x (m)", "y (m)", "x a second later (m)", "y a second later (m)"),
        inputs=MEASURED,
        reference=MEASURED * 2,
        ahead=(0, 0, 1, 1),
        lead=LEAD,
        groups={mode: modes == n for n, mode in enumerate(synthetic.MODES) if (modes[:, LEAD:] == n).any()},
        time="second",
        name=f"{count} targets",
    )
