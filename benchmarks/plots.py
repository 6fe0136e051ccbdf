"""Matplotlib, configured so that the same figures produce the same bytes of SVG."""

from types import ModuleType


def plots() -> ModuleType:
    """pyplot, imported only when it is needed."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt

    mpl.rcParams["svg.hashsalt"] = "benchmarks"
    return plt
