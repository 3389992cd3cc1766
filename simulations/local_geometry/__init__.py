"""Jiang, Malik, Li (2022): local geometry, measurements and figures."""
