"""Several nodes: which call is on which node, and how a client that came to another one gets there."""
