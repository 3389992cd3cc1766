"""Kohler, Adolphs, Lucchi (2019): adaptive norms, stated."""
