"""``python -m certify`` is the command ``certify``."""

from .cli import main

raise SystemExit(main())
