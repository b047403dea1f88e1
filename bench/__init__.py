"""Measures Sayso beside a bare driver that makes the same durable transitions (`python -m bench`)."""
