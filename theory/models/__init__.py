"""Objectives and matrix ensembles: two-layer and deep linear networks."""
