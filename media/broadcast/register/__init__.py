"""Which broadcasts there are, who leads and watches them, and what Matrix is told of it."""
