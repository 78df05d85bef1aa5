"""Hours in which phones stay silent, and which of a school's rules says so (R49, docs/flows/quiet.md)."""
