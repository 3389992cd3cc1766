"""Jiang, Malik, Li (2022): local geometry, proofs and attacks."""
