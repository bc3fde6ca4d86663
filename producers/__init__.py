"""Collectors: a source read through an origin and a format into events on Kafka."""
