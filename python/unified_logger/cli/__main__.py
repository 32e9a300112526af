"""`python -m unified_logger.cli` is `unified-logger`."""

import sys

from . import main

sys.exit(main())
