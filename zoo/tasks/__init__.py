"""Tasks: a model with its pre- and post-processing."""

from zoo.tasks.bits import Adder, BitReader, Latch, Parity
from zoo.tasks.blank_filler import BlankFiller
from zoo.tasks.classifier import Classifier
from zoo.tasks.completer import Completer
from zoo.tasks.forecaster import Forecaster
from zoo.tasks.language_model import LanguageModel
from zoo.tasks.narx import NARX
from zoo.tasks.sequence_regressor import SequenceRegressor
from zoo.tasks.translator import Translator
from zoo.tasks.word_vectors import WordVectors
from zoo.tasks.writer import Writer

__all__ = [
    "NARX",
    "Adder",
    "BitReader",
    "BlankFiller",
    "Classifier",
    "Completer",
    "Forecaster",
    "LanguageModel",
    "Latch",
    "Parity",
    "SequenceRegressor",
    "Translator",
    "WordVectors",
    "Writer",
]
