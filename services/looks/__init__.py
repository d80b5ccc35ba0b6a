"""Looks at a recording while somebody waits: inspect, draft, preview; each in a process beside the API."""
