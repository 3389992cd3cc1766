"""Objectives, bases and networks: two-layer, deep linear, and multilayer perceptrons."""
