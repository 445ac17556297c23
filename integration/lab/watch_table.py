"""Says when the kernel's table is full, without reading all of it again and again. Runs on a host.

    watch_table.py SERVICES ENTRIES     prints `ready`, then the time at which there are so many
"""

import socket
import struct
import sys
import time
from pathlib import Path

# linux/ip_vs.h: IP_VS_SO_GET_INFO fills struct ip_vs_getinfo { version, size, num_services }.
GET_INFO = 64 + 1024 + 64 + 1
PAUSE = 0.005


def main(services, entries):
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as here:
        print("ready", flush=True)
        while struct.unpack("3I", here.getsockopt(socket.IPPROTO_IP, GET_INFO, 12))[2] < services:
            time.sleep(PAUSE)
    while Path("/proc/net/ip_vs").read_bytes().count(b"\n") - 3 < entries:
        time.sleep(PAUSE)
    print(time.time(), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
