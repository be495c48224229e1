"""`python -m forecast.cli` is the `forecast` command."""

import sys

from .command import main

sys.exit(main())
