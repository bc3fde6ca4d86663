"""The map of connections: who talks to whom, computed from the local view whenever it is asked for."""
