"""The compiled engine by subject: plain functions of numbers and rows, which `fleetsim/engine/kernel.py` compiles."""
