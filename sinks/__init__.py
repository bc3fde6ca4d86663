"""Sinks: what forwards verdicts to stores and receivers."""
