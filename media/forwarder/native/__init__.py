"""The forwarder that `rust/` builds: same contract (`api.py`), same answers as `plain/`."""
