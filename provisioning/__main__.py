"""`python -m provisioning` is the `sferum` command."""

from __future__ import annotations

import sys

from provisioning.cli import main

sys.exit(main())
