"""Pages of the calls server for people without a client of their own."""
