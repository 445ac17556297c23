//! What `check --probe` finds on this machine (LD100x to LD104x) and on real servers (LD105x on).
super::rules! {
    NOT_LOOKED = error(1000, "this machine could not be looked at: {why}", "");
    INTERFACE_ABSENT = error(1001, "there is no interface `{name}` on this machine", "it has {present}; `ip link` shows them");
    INTERFACE_DOWN = error(1002, "the interface `{name}` is switched off", "`ip link set {name} up`");
    NO_CARRIER = error(1003, "the interface `{name}` has no carrier", "plug in its cable; `ip link show {name}` must say LOWER_UP");
    NO_SOURCE = error(1004, "`{name}` has no {family} address that adverts could come from", "`{remedy}`");
    NETWORK_ELSEWHERE = warning(1005, "{address} is to go to `{name}`, but its network is at `{other}`", "write `interface {other}`, or `{address} dev {other}`");
    NETWORK_NOWHERE = warning(1006, "no address of `{name}` is in the network of {address}: neighbours will not reach it", "correct the address; or give it its network: `{address}/LENGTH`");
    NO_MODULE = error(1010, "this kernel has no module `{name}`", "install the package with the kernel's modules, and see `modprobe {name}`");
    NO_FORWARDING = error(1011, "{name} is 0: this machine passes no packets on, and NAT is nothing else", "`{command}`");
    STRICT_REVERSE_PATH = warning(1012, "{name} is strict: packets whose way back leads elsewhere are dropped", "`{command}`");
    REDIRECTS = warning(1013, "{name} is on: servers and clients of one network are told to leave this machine out", "`{command}`");
    FILTERED_IN = error(1020, "adverts (protocol {protocol}) that come in at `{name}` are dropped by `{by}`", "`{command}`");
    FILTERED_OUT = error(1021, "adverts (protocol {protocol}) that leave by `{name}` are dropped by `{by}`", "`{command}`");
    LOST = error(1022, "adverts of {from} (protocol {protocol}) reach `{name}`, but no program gets them", "something drops them: see `nft list ruleset`, `iptables-save` and `nstat -az IpReversePathFilter`");
    VRID_TAKEN = error(1030, "virtual_router_id {vrid} is taken on `{name}`: {from} advertises {theirs} with priority {priority}", "`virtual_router_id {free}` is free here; write it on all routers of this pair");
    OTHER_ADDRESSES = error(1031, "{from} advertises {theirs} for virtual_router_id {vrid}, and this file has {ours}", "write the same virtual_ipaddress, in the same order, on both");
    OTHER_VRID = error(1032, "{from} advertises {theirs} on `{name}` with virtual_router_id {other}, and this file with {vrid}", "write `virtual_router_id {other}` here, or `virtual_router_id {vrid}` there");
    MAIL = warning(1040, "the mail server {server} does not greet: {why}", "no mail will come: see `nc -v {host} {port}`, or correct smtp_server");
}
