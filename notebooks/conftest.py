"""nbval runs the notebooks without the IPython profile of whoever runs it, and with the kernel of this Python."""

import os
import tempfile

_empty = tempfile.TemporaryDirectory(prefix="ipython-")
os.environ |= {"IPYTHONDIR": _empty.name, "JUPYTER_PATH": "", "JUPYTER_PREFER_ENV_PATH": "1"}
