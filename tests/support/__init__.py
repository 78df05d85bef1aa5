"""Real servers, clients and attackers for tests. Nothing here is a test, and nothing here ships."""
