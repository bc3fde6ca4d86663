"""Correlate: everything stateful behind the judge, per principal, on Faust; the state is rebuilt from the topics themselves."""
