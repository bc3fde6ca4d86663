"""Alerts for people at a command line: read, told as stories, and decided about."""
