"""The day as a discrete-event simulation."""
