"""Datasets: recordings become rows of typed, aligned features, as a spec says."""
