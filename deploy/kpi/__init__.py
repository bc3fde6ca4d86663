"""Key figures by hour and day: a pure function of the topics ``kpi`` and ``alerts``."""
