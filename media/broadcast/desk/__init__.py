"""Pages of whoever leads broadcasts: the list, a new one, the key for OBS, this browser's camera, start and stop."""
