"""Entry of ``python -m ga2app.worker``."""

import sys

from ga2app.fast_start import let_go, load_quickly

load_quickly()

from ga2app.worker.worker_command import main  # noqa: E402

if __name__ == "__main__":
    status = main()
    let_go()
    sys.exit(status)
