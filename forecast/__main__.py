"""`python -m forecast` is the `forecast` command, also where the folder of the command is not on PATH."""

import sys

from .cli import main

sys.exit(main())
