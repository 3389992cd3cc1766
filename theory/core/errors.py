"""Errors that name what is wrong, where, and what would be right."""

from __future__ import annotations


class AdageoError(Exception):
    """Base of every error that the suite raises on purpose; its text is one clear line."""


class ClaimError(AdageoError):
    """A claim, or a check of a claim, is malformed; the text says what is missing and where."""


class UnknownClaimError(AdageoError):
    """No claim has the requested id or matches the pattern; the text offers the nearest id."""


class EnvironmentLacksError(AdageoError):
    """Something that was asked for by name (a GPU, a package) is not available."""
