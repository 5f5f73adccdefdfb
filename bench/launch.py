"""Run a script as `python FILE ARGUMENTS` does, but end with the process that started us.

    python bench/launch.py [--uvloop] [--share-port] FILE ARGUMENTS

--uvloop      run it on uvloop's event loop
--share-port  let several processes listen on one port (SO_REUSEPORT)
"""

import argparse
import functools
import os
import runpy
import sys
import threading
from pathlib import Path


def end_with_parent():
    """Our stdin is a pipe from the bench, which closes however the bench ends."""
    while os.read(0, 1):
        pass
    os._exit(0)


def allow_many_files():
    """Raise the limit of open files, hence of connections, to what the system grants."""
    try:
        import resource
    except ImportError:
        return
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = 20_000 if most == resource.RLIM_INFINITY else min(most, 20_000)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, most))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uvloop", action="store_true")
    parser.add_argument("--share-port", action="store_true")
    parser.add_argument("file")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    given = parser.parse_args()
    threading.Thread(target=end_with_parent, daemon=True).start()
    allow_many_files()
    if given.uvloop:
        import uvloop

        uvloop.install()
    if given.share_port:
        import tornado.web

        application = tornado.web.Application
        application.listen = functools.partialmethod(application.listen, reuse_port=True)
    sys.argv = [given.file, *given.arguments]
    sys.path[0] = str(Path(given.file).parent)
    runpy.run_path(given.file, run_name="__main__")


if __name__ == "__main__":
    main()
