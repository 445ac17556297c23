#!/bin/sh
# clean_arp.sh ADDRESS: after a change of master, makes the gateway learn where ADDRESS is now.
# The director announces it by itself; this is for switches and routers that believe only traffic.
address=$1
gateway=$(ip -4 route show default | sed -n 's/^default via \([0-9.]*\).*/\1/p;q')
[ -z "$gateway" ] || ping -c 1 -W 1 -I "$address" "$gateway" >/dev/null 2>&1
echo "$(date '+%F %T') master of $address" >> /var/log/keepalived-notify.log
