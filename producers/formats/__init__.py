"""Formats: one raw record of a sensor to events."""
