"""One verb of the command line a file: `run(settings, options)` gives the exit status, `NEEDS` names its settings."""
