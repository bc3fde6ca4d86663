"""``python -m deploy.cli`` is ``tidewaiter``; supervised processes are started so."""

from deploy.cli import main

main()
