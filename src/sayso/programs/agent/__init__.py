"""The agent loop: model turns, tool calls through the gate, and people inside a turn."""
