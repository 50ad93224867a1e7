"""Rows made by rule: depots, stations and lines of which no list may be shipped, drawn to match published totals.

Every function is pure and seeded: the shipped files can be made again from their real rows, the zones and the totals.
"""
