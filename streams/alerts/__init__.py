"""Alerts, purely: what a row says of one, how many become one, how it lives, how grave it is, and which tell one story."""
