"""``python -m ga2app``: the command line."""

from ga2app.cli.main import main

raise SystemExit(main())
