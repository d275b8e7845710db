"""``python -m edocx`` is the command line."""

from edocx.cli import main

main()
