//! Findings about virtual and real servers.
super::rules! {
    SSL_TWICE = warning(501, "a second SSL block takes the place of the first", "keep one");
    METHOD_OPTION = error(502, "{method} knows no option `{option}`", "only TUN takes options: type ipip|gre|gue, port N, nocsum|csum|remcsum");
    GUE_PORT = error(503, "a GUE tunnel needs a port", "write `TUN type gue port 6080`, with the port your servers listen on");
    TUNNEL_PORT = error(504, "only a GUE tunnel has a port", "remove it, or write `type gue`");
    TUNNEL_CHECKSUM = error(505, "this kind of tunnel does not know that checksum", "ipip takes none, gre takes nocsum or csum, gue any of nocsum, csum and remcsum");
    GROUP_EMPTY = error(506, "virtual_server_group {name} has no usable line", "write an address and a port, or `fwmark N`, on a line of its own");
    GROUP_TWICE = error(507, "virtual_server_group {name} is defined twice", "merge the two, or rename one");
    GROUP_RANGE = error(508, "`{range}` is not a range", "the end must lie behind the start, and a network's host bits must be 0");
    GROUP_UNKNOWN = error(509, "there is no virtual_server_group {name}", "define it, or correct the name");
    GROUP_FAMILIES = error(510, "virtual_server_group {name} mixes IPv4 and IPv6", "make two groups of it, or reach every server by TUN");
    HEADER_INCOMPLETE = error(511, "`virtual_server {kind}` needs a value", "write `virtual_server fwmark N` or `virtual_server group NAME`");
    SORRY_TWICE = warning(512, "a second sorry_server takes the place of the first", "keep one");
    OFF_IS_ON = warning(513, "`{word} off` is off here, but keepalived ignores the argument and takes it as on", "remove the line: off is the default");
    SCRIPT_TWICE = warning(514, "a second {word} is ignored", "put both commands into one script");
    NO_SERVERS = warning(515, "this virtual_server has no real_server and is left out", "give it one, or remove it");
    NO_PROTOCOL = error(516, "this virtual_server has no protocol", "write `protocol TCP`: keepalived would take UDP");
    NO_SCHEDULER = warning(517, "this virtual_server has no lb_algo: wlc is taken", "write `lb_algo wlc`, or rr, wrr ...");
    NO_METHOD = warning(518, "this virtual_server has no lb_kind: NAT is taken", "write `lb_kind NAT`, DR or TUN");
    SAME_SERVICE = note(519, "this is the same service as an earlier virtual_server: the two are one", "keepalived lets them fight over it");
    FAMILY = error(520, "{server} and its service are of different address families", "only TUN can carry one in the other");
    DUPLICATE_MERGED = warning(532, "{server} stands in both blocks of this virtual_server; the first counts", "remove one");
    DUPLICATE = error(521, "{server} stands twice in this virtual_server", "remove one");
    PORT = warning(522, "port {port} of {server} is not used: with DR and TUN packets keep the service's port {service}", "write port {service}, or use NAT");
    QUORUM = warning(523, "quorum {quorum} is more than all weights together: {sum} is taken", "lower it, or raise weights");
    HYSTERESIS = warning(524, "hysteresis {hysteresis} is not below the quorum: {taken} is taken", "lower it");
    OPS = warning(525, "ops works with UDP and firewall marks only and is off here", "remove it");
    FLAG_SCHEDULER = warning(526, "this flag belongs to the scheduler {scheduler}, not to {used}", "remove it");
    PERSISTENCE_FORCED = note(527, "a service on every port is persistent (360 s)", "write `persistence_timeout 360` to say so");
    GRANULARITY_FAMILY = error(528, "persistence_granularity is of another address family than the service", "write an IPv4 mask for IPv4, a prefix length for IPv6");
    ENGINE_WITHOUT = warning(529, "persistence_engine does nothing without persistence_timeout", "add one");
    NO_CHECKER = note(530, "{server} has no checker: it always counts as up", "add a TCP_CHECK block");
    HA_SUSPEND = warning(533, "ha_suspend goes by addresses, and a firewall mark has none: the servers are checked all the time", "remove it");
    MIXED_SYNC = warning(534, "{server} is of another address family than its service: with it in the table the kernel runs no lvs_sync_daemon", "give up one of the two");
    FLAG_PROTOCOL = note(531, "protocol means nothing for a firewall mark", "remove it");
}
