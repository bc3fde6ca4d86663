"""Baselines: what a principal was seen to do, what of it is known, and what deviates; pure, shared by learner, judge and replay."""
