#!/bin/sh
# marks.sh add|remove: firewall marks for a virtual_server fwmark 7, as long as the director runs.
case "$1" in
add) nft -f - <<END ;;
table ip marks {
    chain services {
        type filter hook prerouting priority mangle
        ip daddr 192.168.4.90 tcp dport { 80, 443 } meta mark set 7
    }
}
END
remove) nft delete table ip marks ;;
esac
