"""Rules in Sigma's format: read with pySigma, matched by a matcher of our own; pure, shared by judge, correlate and command line."""
