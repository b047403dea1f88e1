"""What runs execute: the workflow tree, and the `Context` that every program needs.

A program is plain async code that touches the world only through its context. It reads no clock, draws no random number
and does no I/O of its own.
"""
