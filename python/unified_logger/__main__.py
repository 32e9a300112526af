"""`python -m unified_logger` is `unified-logger`."""

import sys

from .cli import main

sys.exit(main())
