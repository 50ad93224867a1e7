"""The verbs of the command line, a module a family; the only code that prints."""
