"""`python -m lab_lens` is `lab-lens`."""

import sys

from lab_lens.cli.main import main

sys.exit(main())
