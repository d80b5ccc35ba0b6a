"""`python -m bagmill`."""

from bagmill.cli import main

main()
