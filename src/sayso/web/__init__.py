"""The review pages: what people see and decide in a browser; parse, call the runtime, render."""
