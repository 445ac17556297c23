#!/bin/sh
# notify.sh INSTANCE|GROUP NAME STATE PRIORITY: what `notify` scripts are called with.
logger -t vrrp "$1 $2 is now $3 (priority $4)"
