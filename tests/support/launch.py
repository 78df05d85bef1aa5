"""`python -m tests.support.launch MODULE ARGS…` runs MODULE, and dies when its input ends.

The test run holds the other end of that input. Should the test run be killed, its servers go with it instead of
keeping the ports and the CPU of the machine.
"""

from __future__ import annotations

import os
import runpy
import sys
import threading


def _die_with_the_test_run() -> None:
    while os.read(0, 1):
        pass
    os._exit(3)


if __name__ == "__main__":
    threading.Thread(target=_die_with_the_test_run, daemon=True).start()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
