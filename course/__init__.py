"""The tool behind the Makefile: `python -m course VERB N`."""
