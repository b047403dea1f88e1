"""The composition root: settings, the clock, and the objects that users hold (`SqliteDb`, `Workflow`, `Worker`)."""
