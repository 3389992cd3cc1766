"""Proof transcripts, the algebra of symbols, rigorous numerics, and the search for violations."""

from proofs_check.engine import algebra
from proofs_check.engine.proof import certificate, proof, run_proof
from proofs_check.engine.rendering import render
from proofs_check.engine.search import attack, run_search
from proofs_check.engine.terms import hypothesis, square, weighted_square
from proofs_check.engine.transcript import Transcript

__all__ = ["Transcript", "algebra", "attack", "certificate", "hypothesis", "proof", "render",
           "run_proof", "run_search", "square", "weighted_square"]  # fmt: skip
