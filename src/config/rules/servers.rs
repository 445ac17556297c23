//! What `check --probe` finds on real servers: their checkers, and for LVS-DR the virtual address.
super::rules! {
    CHECKER_FAILS = error(1101, "{checker} of {server} fails: {why}", "`{command}` tries the same");
    WRONG_DIGEST = error(1102, "{checker} of {server} gets a page with another digest", "if the page is right, write `digest {seen}`");
    CHECKER_LOCAL = warning(1103, "{checker} of {server} cannot be tried from this machine: {why}", "while that is so, the server stays in the service or out of it, whatever becomes of it");
    NO_IDENTITY = error(1104, "SSL_GET has no certificate to show: {why}", "mend the file, or the path in the SSL block");
    ADDRESS_MISSING = error(1110, "{server} does not take packets to {address}, which DR hands it", "on {server}: `{command}`");
    ADDRESS_LEAKS = error(1111, "{server} answers ARP for the virtual address {address}", "on {server}: `sysctl -w net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2`; the address belongs on lo, on no other interface");
    ADDRESS_UNSERVED = error(1112, "{server} listens on port {port}, but not for {address}", "on {server}: `ss -ltn` shows what its service listens on; it must be {address} or {any}");
    ADDRESS_LEAKS_V6 = error(1114, "{server} answers neighbour solicitations for the virtual address {address}", "on {server}: `ip -6 addr show to {address}` must show it on lo, and on no other interface");
    NOT_A_NEIGHBOUR = warning(1113, "{server} is in no network of this machine's interfaces", "DR changes the MAC address only: `ip route get {server}` must show no `via`; else use TUN or NAT");
}
