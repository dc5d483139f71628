"""The compiled recurrent loop for TensorFlow. (In the making.)"""


class Engine:
    """A cell over a whole sequence."""

    def __init__(self, cell, chunk=None, shards=None):
        self.cell, self.chunk, self.shards = cell, chunk, shards

    @staticmethod
    def obstacle():
        return "in the making"

    @staticmethod
    def sizes(batch, time, chunk=None, shards=None):
        return chunk or 10, None
