"""DePavia, Charisopoulos, Willett (2025): EGOP, stated."""
