"""`python -m course`: this file must parse on any Python, to be able to say that it is too old."""

import sys

if sys.version_info < (3, 11):
    sys.exit(
        "The course needs Python 3.11 or newer; this is Python %d.%d. With a newer one beside it, "
        "name that: make chapter-1 PYTHON=python3.12" % sys.version_info[:2]
    )

from course.cli import main

sys.exit(main())
