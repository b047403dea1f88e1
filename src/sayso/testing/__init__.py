"""The public test kit: a clock that stands still, readable ids, and scripted reviewers."""
