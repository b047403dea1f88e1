"""The `sayso` command: the demo, the inbox in a terminal, runs, and a worker."""
