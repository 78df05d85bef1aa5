"""Files and videos that a school gives to its people (R27, docs/flows/materials.md)."""
