"""The laws of Sayso as pure functions and tables.

Nothing here does I/O, reads a clock, draws a random number or awaits. A refusal is a value or an error that names
the rule; the door (runtime) turns it into an answer.
"""
