"""Jiang, Malik, Li (2022): local geometry, stated."""
