"""What is claimed: pure functions and the claims that use them."""
