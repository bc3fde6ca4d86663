"""The demo: a recording of real containers through the whole system, or this host's containers live."""
