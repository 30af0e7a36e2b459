"""Minds: the deterministic one that always works, and the one that asks a model."""
