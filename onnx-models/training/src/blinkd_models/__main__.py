"""``python -m blinkd_models``."""

from blinkd_models.cli import main

raise SystemExit(main())
