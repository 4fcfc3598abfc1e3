"""`python -m kanwidget.cli`, for where the script is not on the path."""

import sys

from kanwidget.cli.main import main

sys.exit(main())
