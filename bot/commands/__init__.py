"""One verb of the command line a file, each with `run(settings, options) -> exit status`."""
