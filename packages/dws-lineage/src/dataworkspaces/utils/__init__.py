"""Names that the manual of release 1.5 has here."""
