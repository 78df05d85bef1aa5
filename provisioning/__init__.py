"""Rosters, the school year, the district register and the `sferum` command line."""
