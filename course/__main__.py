"""`python -m course`: this file must parse on any Python, to be able to say that it is too old."""

import os
import sys

if sys.version_info < (3, 11):
    sys.exit(
        "The course needs Python 3.11 or newer; this is Python %d.%d. With a newer one beside it, "
        "name that: make chapter-1 PYTHON=python3.12" % sys.version_info[:2]
    )

# What is set up goes on under .venv's Python at once; environment.enter() does it after a set-up.
venv = os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), ".venv")
python = os.path.join(venv, "bin", "python")
if sys.prefix != venv and all(map(os.path.exists, (python, os.path.join(venv, "course.json")))):
    os.execv(python, [python, "-m", "course"] + sys.argv[1:])

from course.cli import main

sys.exit(main())
