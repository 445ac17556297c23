#!/bin/sh
# events.sh FIFO: reads what `notify_fifo` tells, a line at a time, in the order in which it happened.
while read -r event; do
    logger -t events "$event"
done < "$1"
