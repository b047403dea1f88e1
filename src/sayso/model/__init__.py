"""The nouns of Sayso: ids, statuses, journal entries, user tasks, decisions, and the error tree.

This room holds values only. It never does I/O, reads no clock, and imports nothing else of Sayso.
The words are those of docs/glossary.md.
"""
