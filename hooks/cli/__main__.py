"""`python -m hooks.cli`: the command line where its script is not installed."""

import sys

from hooks.cli import main

sys.exit(main())
