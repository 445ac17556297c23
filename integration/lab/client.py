"""Asks a web server, each time over a connection of its own. Runs on a host of its own.

    client.py URL COUNT      asks so often; prints {"answers": {body: times}, "failed": [reason]}
    client.py URL forever    asks every 20 ms until it is told to stop (SIGTERM); a line each: start end ok body
"""

import json
import signal
import socket
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

PAUSE = 0.02
# First port of those who ask so often, and for ever.
PORTS = {"count": 10000, "forever": 35000}
# A SYN that is lost is sent again after one second; asking anew shows the way back sooner.
PATIENCE = 0.3


def port(who):
    """One that no connection of this host had before: IPVS knows a connection for two minutes after its end, and what
    seems to belong to one of a server that was removed is dropped. The kernel would choose, and all hosts of all cases
    share its counter."""
    last = Path(f"/run/client-port-{who}")
    number = int(last.read_text()) + 1 if last.exists() else PORTS[who]
    last.write_text(str(number))
    return number


def ask(url, patience, who):
    """The body, or the error as an exception."""
    parts = urlsplit(url)
    place = (parts.hostname, parts.port or 80)
    with socket.create_connection(place, timeout=patience, source_address=("", port(who))) as connection:
        connection.settimeout(max(patience, 1.0))
        path = parts.path or "/"
        connection.sendall(f"GET {path} HTTP/1.0\r\nHost: {parts.netloc}\r\n\r\n".encode())
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    if b" 200 " not in head.split(b"\r\n")[0]:
        raise OSError(head.split(b"\r\n")[0].decode(errors="replace") or "no answer")
    return body.decode(errors="replace").strip()


def count(url, times):
    answers = {}
    failed = []
    for _ in range(times):
        try:
            body = ask(url, 3, "count")
        except OSError as error:
            failed.append(str(error))
            continue
        answers[body] = answers.get(body, 0) + 1
    print(json.dumps({"answers": answers, "failed": failed}))


def forever(url):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    while True:
        began = time.time()
        try:
            body, good = ask(url, PATIENCE, "forever"), 1
        except OSError as error:
            body, good = str(error), 0
        print(f"{began:.3f} {time.time():.3f} {good} {body}", flush=True)
        time.sleep(PAUSE)


if __name__ == "__main__":
    if sys.argv[2] == "forever":
        forever(sys.argv[1])
    else:
        count(sys.argv[1], int(sys.argv[2]))
