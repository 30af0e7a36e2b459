"""Versioned text for models: one file per released version, never edited afterwards."""
