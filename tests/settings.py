"""The settings of a reader who has used Jupyter before, which must not change anything here."""

import json
from pathlib import Path


def hostile_settings(folder: Path) -> dict[str, str]:
    """Write them below `folder`; returns the environment variables that make them count."""
    profile = folder / "ipython" / "profile_default"
    profile.mkdir(parents=True)
    (profile / "ipython_config.py").write_text(
        'c.InteractiveShell.ast_node_interactivity = "all"\n'
    )
    kernel = folder / "jupyter" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    other = {"argv": ["/no/such/python"], "display_name": "Other", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(other))
    config = folder / "config"
    config.mkdir()
    (config / "jupyter_server_config.py").write_text(
        'c.ServerApp.base_url = "/other/"\nc.ServerApp.port = 1\nc.ServerApp.certfile = "/no/such"\n'
    )
    return {
        "IPYTHONDIR": str(folder / "ipython"),
        "JUPYTER_PATH": str(folder / "jupyter"),
        "JUPYTER_CONFIG_DIR": str(config),
        "JUPYTER_CONFIG_PATH": str(config),
        "TZ": "Asia/Kathmandu",
        "http_proxy": "http://127.0.0.1:9",
        "ALL_PROXY": "socks5://127.0.0.1:9",
        "no_proxy": "",
    }
