"""The workflow tree and its interpreter.

`primitives` and `review` are what users write, `values` what their functions get and return, `interpreter` runs a
tree over a `Context`, and `requirement`, `output` and `events` are what users get back. A gate is honoured at any
depth.
"""
