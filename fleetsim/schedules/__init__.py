"""Conversion schedules: scripted, previewed, solved, put into words and checked on simulated days."""
