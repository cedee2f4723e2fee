"""Simulations with a known truth: small ones as tests, at full size the tables of the guide."""
