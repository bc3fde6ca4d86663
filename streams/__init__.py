"""Stream processors: the judge gives every event its verdict."""
