"""A training as a film: the networks of its steps, one picture after the other."""
