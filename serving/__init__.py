"""What the bridge and the calls server need alike to be served: settings, secrets, logs, ports, JSON over HTTP.

It knows neither of them, and logs nothing itself.
"""
