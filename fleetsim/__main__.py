"""`python -m fleetsim` is the command line."""

from fleetsim.cli import main

main()
