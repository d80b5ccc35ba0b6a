"""Saved configs: a folder each, with immutable revisions of a spec and a log of who changed what."""
