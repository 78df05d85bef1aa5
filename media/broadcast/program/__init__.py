"""What is on air: who of a call or which publisher of WHIP, mixed, cut and given to the origin (docs/flows/program.md)."""
