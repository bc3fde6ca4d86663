"""The inventory: what there is, computed from the local view whenever it is asked for. What no sensor can see is ``not observable``."""
