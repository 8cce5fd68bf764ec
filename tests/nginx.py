"""A real nginx in front of a server of ours: what people put there."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.realprocess import wait_for

# Debian puts it where only root's path leads.
PLACES = ("/usr/sbin", "/usr/local/sbin", os.environ.get("PATH", ""))
CONFIG = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
{user}
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  client_max_body_size 10m;
  upstream pages {{ server 127.0.0.1:{behind}; keepalive 8; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://pages;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      {more}
    }}
  }}
}}
"""


@contextmanager
def nginx_before(behind: int, folder: Path, *, more: str = "") -> Iterator[int]:
    """The port of an nginx that passes all it is asked on to a port of ours.

    Args:
        behind: our port.
        folder: an empty folder for its files.
        more: further directives of its one location.
    """
    program = shutil.which("nginx", path=os.pathsep.join(PLACES))
    if program is None:
        reason = "nginx is not installed (apt-get install nginx-light): nothing was tried through a real proxy"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    config = folder / "nginx.conf"
    # Its worker keeps our user: another one may not write into a test's folder.
    user = "user root;" if os.geteuid() == 0 else ""
    config.write_text(CONFIG.format(folder=folder, behind=behind, port=port, user=user, more=more))
    child = subprocess.Popen([program, "-p", str(folder), "-c", str(config)], stderr=subprocess.DEVNULL)
    try:
        wait_for("nginx", lambda: is_open(port), timeout=10)
        yield port
    finally:
        child.terminate()
        child.wait(timeout=10)


def is_open(port: int) -> bool:
    """Whether somebody listens at a port here."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
