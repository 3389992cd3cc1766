"""Kohler, Adolphs, Lucchi (2019): measurements and figures."""
