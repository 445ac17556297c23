#!/bin/sh
# quorum.sh ADDRESS up|down: notes that a service has enough servers again, or too few.
logger -t quorum "$1 is $2"
