"""The schema as a row of steps that are never edited once released."""
