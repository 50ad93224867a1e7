"""The days of the fleets: who drives where, when, and where it may take energy."""
