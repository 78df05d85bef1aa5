"""The district's register from the operator's side: what it says, its keys and signature, the folder it lives in.

The module has its own reading of the same format (docs/contracts.md §11); neither imports the other.
"""
