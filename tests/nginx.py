"""Debian's nginx in front of a web server of ours, as docs/settings.md says it is to be set up."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.realprocess import wait_for

CONFIG = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
worker_processes 1;
{user}
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  upstream web {{ server 127.0.0.1:{upstream}; keepalive 8; }}
  server {{
    listen 127.0.0.1:{port};
    client_max_body_size 11m;
    location / {{
      proxy_pass http://web;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Request-ID $request_id;
      {more}
    }}
  }}
}}
"""


def program() -> str:
    """The path of nginx; a test that needs it fails where it is missing, and says so."""
    found = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    assert found, "nginx is not installed: apt-get install nginx"
    return found


@contextmanager
def in_front_of(upstream: int, *, port: int, folder: Path, more: str = "") -> Iterator[None]:
    """Runs nginx at a port of this machine, before the one of a web server; `more` is added to its one location."""
    config = folder / "nginx.conf"
    # Its worker stays who we are: somebody else could not keep a large body in a test's folder.
    user = "user root;" if os.geteuid() == 0 else ""
    config.write_text(CONFIG.format(folder=folder, port=port, upstream=upstream, user=user, more=more))
    child = subprocess.Popen([program(), "-p", str(folder), "-c", str(config), "-e", str(folder / "nginx.log")])
    try:
        wait_for("nginx", lambda: _listens(port), timeout=20)
        yield
    finally:
        child.terminate()
        child.wait(timeout=20)


def _listens(port: int) -> bool:
    with socket.socket() as line:
        return line.connect_ex(("127.0.0.1", port)) == 0
