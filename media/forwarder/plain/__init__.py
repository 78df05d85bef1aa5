"""The forwarder in plain Python: no build step, and the executable specification of the native one."""
