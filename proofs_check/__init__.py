"""What can be proved or broken: proofs, certificates and attacks."""
