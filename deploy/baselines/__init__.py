"""What the commands of baselines do: finding principals, looking at what was seen of them, deciding about it."""
