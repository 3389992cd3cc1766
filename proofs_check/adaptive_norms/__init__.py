"""Kohler, Adolphs, Lucchi (2019): proofs and attacks."""
