"""Benchmarks: every figure is one JSON line, a ratio to something measured in the same run where speed is meant."""
