"""The HTTP API (docs/contracts.md §2, docs/openapi.yaml): the only way in for the other programs."""
