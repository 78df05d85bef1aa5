"""Every private name of Synapse that the module relies on, by what it reaches into, and nothing else.

Verified on 1.163.x; `tests/synapse_sferum/test_private_names.py` is the contract test that an upgrade must pass first.
"""
