"""Asking services how they are."""
