"""What all tests share: a quiet TensorFlow, and property tests that are the same on every run."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from hypothesis import settings

settings.register_profile("zoo", deadline=None, max_examples=40, derandomize=True)
settings.load_profile("zoo")
