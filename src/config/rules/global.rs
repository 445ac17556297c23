//! Findings about `global_defs`, static addresses, routes and scripts.
super::rules! {
    NOT_A_MAIL_ADDRESS = warning(301, "`{word}` is not a mail address", "write every recipient as name@host, or quoted as \"Name <name@host>\"");
    SYNC_DAEMON_OLD_FORM = note(302, "`{word}` after the instance is the old way to give the sync id", "write `id {word}`");
    SYNC_DAEMON_WORD = error(303, "`{word}` is not an option of lvs_sync_daemon", "known are inst, id, maxlen, port, ttl and group");
    SYNC_DAEMON_NO_VALUE = error(304, "`{word}` of lvs_sync_daemon needs a value", "");
    SYNC_DAEMON_UNKNOWN_INSTANCE = warning(305, "lvs_sync_daemon follows `{name}`, but there is no such vrrp_instance", "correct the name: until then no connections are synchronised");
    SYNC_DAEMON_IN_INSTANCE = note(306, "`{word}` is the old way to name the sync daemon's interface", "write `lvs_sync_daemon {interface} {instance}` in global_defs");
    SYNC_DAEMON_TWICE = warning(307, "the kernel has one sync daemon: `{interface}` of {instance} is not used", "keep one of the two");
    LVS_ID = note(308, "`lvs_id` is taken as `router_id`", "write `router_id`");
    BAD_FLAG_WORD = warning(309, "`{word}` is not a value of {keyword}", "{keyword} takes {takes}");
    SYNC_DAEMON_BAD_VALUE = error(313, "`{value}` is not a value of `{word}`", "{word} takes {takes}");
    ZERO_REPEAT = warning(314, "`{word} 0` counts as 1", "write 1");
    NOT_MULTICAST = error(310, "{address} is not a multicast address of IPv{family}", "leave the keyword out to use the standard group");
    MAIL_WITHOUT_SERVER = note(311, "no mail will be sent: there is no smtp_server", "add `smtp_server HOST` to global_defs");
    LVS_TIMEOUT_WORD = error(312, "`{word}` is not a timeout of lvs_timeouts", "known are tcp, tcpfin and udp, each with seconds");
    ADDRESS_NO_ADDRESS = error(320, "`{word}` is not an address", "a line begins with an address: `192.0.2.1/24 dev eth0`");
    ADDRESS_UNKNOWN_WORD = error(321, "`{word}` is not an option of an address line", "one address to a line; options are {options}");
    ADDRESS_NEEDS_VALUE = error(322, "`{word}` needs a value", "");
    ADDRESS_BAD_VALUE = error(323, "`{value}` is not a value of `{word}`", "{word} takes {takes}");
    ADDRESS_V4_ONLY = warning(324, "`{word}` has no effect on an IPv6 address", "remove it");
    ADDRESS_BAD_LENGTH = warning(325, "`/{length}` is no prefix length of this address; /{used} is used", "");
    ADDRESS_OPTION_NOT_YET = warning(326, "`{word}` on an address line is accepted but has no effect yet", "");
    ROUTE_NO_DESTINATION = error(330, "this route has no destination", "write a prefix or `default` first: `192.0.2.0/24 via 198.51.100.1`");
    ROUTE_UNKNOWN_WORD = error(331, "`{word}` is not an option of a route line", "");
    ROUTE_NOT_YET = warning(332, "`{word}` of a route is accepted but has no effect yet", "");
    ROUTE_NEEDS_VALUE = error(333, "`{word}` needs a value", "");
    ROUTE_BAD_VALUE = error(334, "`{value}` is not a value of `{word}`", "{word} takes {takes}");
    ROUTE_NOWHERE = error(335, "this route leads nowhere", "give it `via ADDRESS`, `dev INTERFACE` or a type such as blackhole");
    ROUTE_FAMILY_MIX = error(336, "the addresses of this route are of two families", "use IPv4 or IPv6 throughout");
    ROUTE_GW = note(337, "`gw` is an old spelling", "write `via`");
}
