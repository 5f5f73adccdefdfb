"""Measures what the notes claim about speed: `make bench`, or `python -m bench --help`."""
