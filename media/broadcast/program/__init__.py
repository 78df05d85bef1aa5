"""What is on air, docs/flows/program.md: who of a call or which publisher of WHIP, mixed, cut, given to the origin."""
