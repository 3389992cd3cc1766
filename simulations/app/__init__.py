"""The command line, the run, and the report."""
