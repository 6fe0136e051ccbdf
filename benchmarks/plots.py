"""Matplotlib, set so that the same figures give the same bytes of an SVG."""

from types import ModuleType


def plots() -> ModuleType:
    """pyplot; imported here, since only the last step needs it."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt

    mpl.rcParams["svg.hashsalt"] = "benchmarks"
    return plt
