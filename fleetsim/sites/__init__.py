"""Siting for a city folder on its own: demand, candidates, choice, sizes, and the tables that say what was gained."""
