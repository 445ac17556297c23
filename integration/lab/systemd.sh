# A systemd in a host of the lab. It knows the units in /run/units only: none of this machine's.
case $1 in
prepare) # PROGRAM LOG
	# /usr/sbin with our program in it: the unit file names it there.
	mkdir -p /run/real/sbin /run/units/ldirector.service.d /run/systemd
	mount --bind /usr/sbin /run/real/sbin
	mount -t tmpfs tmpfs /usr/sbin
	ln -s /run/real/sbin/* /usr/sbin/
	ln -sf "$2" /usr/sbin/ldirector
	cp "$(dirname "$0")/../../scripts/package/systemd/ldirector.service" /run/units/
	for unit in default sysinit basic network-online shutdown multi-user umount; do
		printf '[Unit]\nDescription=%s\nDefaultDependencies=no\n' $unit >/run/units/$unit.target
	done
	# Nobody keeps a journal here, and a case waits for the watchdog.
	printf '[Service]\nStandardOutput=append:%s\nStandardError=inherit\nWatchdogSec=8\n' "$3" \
		>/run/units/ldirector.service.d/lab.conf
	;;
boot)
	mount -t cgroup2 none /sys/fs/cgroup
	exec env -i PATH="$PATH" container=lab SYSTEMD_UNIT_PATH=/run/units SYSTEMD_LOG_TARGET=console \
		/lib/systemd/systemd --system --log-level=info
	;;
esac
