"""Drafting specs: what of a recording a model can learn from, and how its rows are made."""
