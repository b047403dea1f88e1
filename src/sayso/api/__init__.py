"""JSON over HTTP: requests are checked, given to the runtime, and its answers rendered; no rule is made here."""
