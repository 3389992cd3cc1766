"""Fused hot loops: a readable reference, and a CPU version in step with it."""
