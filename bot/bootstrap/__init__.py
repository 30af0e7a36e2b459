"""The composition roots: the only place that constructs adapters, one file for each role."""
