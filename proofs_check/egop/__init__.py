"""DePavia, Charisopoulos, Willett (2025): EGOP, proofs and attacks."""
