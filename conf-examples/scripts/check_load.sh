#!/bin/sh
# check_load.sh ADDRESS: for MISC_CHECK with misc_dynamic. The server tells its load in percent at
# http://ADDRESS:8080/load; the busier it is, the less weight it gets. Exit code 1: it does not answer.
load=$(curl -s -f -m 3 "http://$1:8080/load") || exit 1
case $load in
    '' | *[!0-9]*) exit 1 ;;
esac
[ "$load" -le 100 ] || load=100
# 0 % is weight 10, 100 % is weight 0; an exit code is 2 more than the weight it means.
exit $((12 - load / 10))
