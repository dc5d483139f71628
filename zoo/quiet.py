"""Without alarms that are none."""

import contextlib
import logging


@contextlib.contextmanager
def unalarmed():
    """Without TensorFlow's warning of retracing: it takes several new networks in a row, each of which is traced once as it
    must be, for one that is traced again and again."""

    def other(record):
        return "triggered tf.function retracing" not in record.getMessage()

    logger = logging.getLogger("tensorflow")
    logger.addFilter(other)
    try:
        yield
    finally:
        logger.removeFilter(other)
