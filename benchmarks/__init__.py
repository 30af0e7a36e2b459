"""Published ratios, one script each: ours beside its rivals in one run, on the machine that is asked."""
