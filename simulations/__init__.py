"""What can be measured: Monte Carlo, figures and the command line."""
