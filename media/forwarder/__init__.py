"""From one publisher's packets to every subscriber's. `api.py` is the contract, `plain/` its readable form."""
