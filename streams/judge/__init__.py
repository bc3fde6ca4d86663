"""The judge: exactly once from events to verdicts."""
