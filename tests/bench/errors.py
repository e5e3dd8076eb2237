"""What can go wrong with a measurement."""


class BenchError(Exception):
    """This row, or the whole run, cannot give an honest figure; the text says why."""
