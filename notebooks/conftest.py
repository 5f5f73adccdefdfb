"""nbval runs the notebooks without the reader's IPython profile, and with the kernel of this Python."""

import os
import tempfile

_empty = tempfile.TemporaryDirectory(prefix="ipython-")
os.environ |= {"IPYTHONDIR": _empty.name, "JUPYTER_PATH": "", "JUPYTER_PREFER_ENV_PATH": "1"}
