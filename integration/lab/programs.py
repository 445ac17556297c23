"""What runs on hosts: directors, web servers, small servers of other kinds."""

import os
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
CONF = "/etc/keepalived/keepalived.conf"

NGINX = """
worker_processes 1;
pid /run/nginx.pid;
error_log /var/log/nginx/error.log;
events { worker_connections 256; }
http {
    access_log /var/log/nginx/access.log;
    default_type text/plain;
    LISTEN
}
"""
SITE = """
    server {
        listen PORT;
        listen [::]:PORT;
        location = / { return 200 "NAME $remote_addr\\n"; }
        location / { root /run/www; }
        location /slow/ { root /run/www; limit_rate 100k; }
    }
"""
TLS_SITE = """
    server {
        listen PORT ssl;
        ssl_certificate /etc/nginx/cert.pem;
        ssl_certificate_key /etc/nginx/key.pem;
        location = / { return 200 "NAME $remote_addr\\n"; }
        location / { root /run/www; }
    }
"""


def ldirector():
    """Ours: as named in the environment, else the newest that was built."""
    if "LDIRECTOR" in os.environ:
        return os.environ["LDIRECTOR"]
    target = Path(os.environ.get("CARGO_TARGET_DIR", PROJECT / "target"))
    built = [target / kind / "ldirector" for kind in ("debug", "release")]
    built = [path for path in built if path.exists()]
    return str(max(built, key=lambda path: path.stat().st_mtime)) if built else "ldirector"


def director(program):
    """The command of a director in the foreground, its log on standard error."""
    if program == "keepalived":
        return [shutil.which("keepalived") or "/usr/sbin/keepalived", "-n", "-l", "-D", "-G", "-f", CONF]
    return [ldirector(), "run", "-D", "-f", CONF]


def nginx(host, ports, tls_ports):
    """Writes its configuration and a certificate where one is needed; the command to start it."""
    sites = "".join(SITE.replace("PORT", str(port)) for port in ports)
    if tls_ports:
        sites += "".join(TLS_SITE.replace("PORT", str(port)) for port in tls_ports)
        host.run(
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=lab"
            " -keyout /etc/nginx/key.pem -out /etc/nginx/cert.pem 2>/dev/null"
        )
    text = NGINX.replace("LISTEN", sites).replace("NAME", host.name)
    host.write("/etc/nginx/nginx.conf", text)
    host.run("mkdir -p /run/www")
    return ["nginx"]


def server(kind, port):
    return [sys.executable, str(HERE / "servers.py"), kind, str(port)]
