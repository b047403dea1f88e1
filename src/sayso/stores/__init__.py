"""The database: tables, statements, migrations, and the two drivers.

The store answers the runtime's `Transaction` port. It knows no rule of the domain: what a row means is decided above.
Times are stored as integer microseconds since 1970 UTC, bodies as bytes, and nothing is ever unpickled.
"""
