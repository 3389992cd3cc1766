"""DePavia, Charisopoulos, Willett (2025): EGOP, measurements and figures."""
