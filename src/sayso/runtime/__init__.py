"""The one door: start, advance, decide, cancel. Nobody else writes.

The door turns commands into transactions of a store, and replays programs over their journals. It holds no SQL and no
HTTP; the ports it needs are in ports.py.
"""
