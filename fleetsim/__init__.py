"""fleetsim simulates how a city's vehicles become electric and hydrogen vehicles."""

__version__ = "0.1.0"
