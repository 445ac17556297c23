#!/bin/sh
# Exit code 0 while HAProxy runs.
pidof haproxy >/dev/null
