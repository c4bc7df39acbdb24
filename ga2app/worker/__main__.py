"""Entry of ``python -m ga2app.worker``."""

import sys

from ga2app.worker.launcher import let_go
from ga2app.worker.worker_command import main

if __name__ == "__main__":
    status = main()
    let_go()
    sys.exit(status)
