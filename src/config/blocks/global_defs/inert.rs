//! The keywords of `global_defs` that do nothing here, each with its reason.
use super::Draft;
use crate::config::keyword::{
    Keyword, Support,
    Takes::{self, Nothing, One, OptionalBool, UpTo1, Words},
    inert,
};

const SNMP: Support = Support::NoEffect("there is no SNMP agent; use `ldirector status --json`");
const DBUS: Support = Support::NoEffect("there is no D-Bus service; use `ldirector status --json`");
const BUFFERS: Support =
    Support::NoEffect("receive buffers are sized by need, nothing has to be set");
const GROUPS: Support = Support::NotYet(
    "each address of a group is a service of its own: a persistent client may meet another server on \
     another address of it; a firewall mark of your own rules joins them",
);
const IPTABLES: Support =
    Support::Obsolete("filtering is done with nftables where it is needed; remove the line");
const LINKBEAT: Support = Support::NoEffect("the kernel reports link changes");
const GONE: Support = Support::NoEffect("nothing is loaded from there; remove the line");

const fn row(
    names: &'static [&'static str],
    takes: Takes,
    support: Support,
    doc: &'static str,
) -> Keyword<Draft> {
    inert(names, takes, support).doc(doc)
}

pub(super) fn keywords() -> Vec<Keyword<Draft>> {
    vec![
        row(&["nftables_ipvs"], UpTo1("TABLE"), GROUPS, "groups through one firewall mark")
            .default("keepalived_ipvs"),
        row(&["nftables_ipvs_priority"], One("PRIORITY"), GROUPS, "of our chains").default("-1"),
        row(&["nftables_ipvs_start_fwmark"], One("MARK"), GROUPS, "first automatic mark")
            .default("1000"),
        row(&["vrrp_iptables"], Words(0, 2, "[IN [OUT]]"), IPTABLES, "chains for filters"),
        row(&["vrrp_ipsets"], Words(0, 4, "[NAME...]"), IPTABLES, "sets for filters"),
        row(&["linkbeat_use_polling"], Nothing, LINKBEAT, "poll all links"),
        row(&["vrrp_rx_bufs_policy"], Words(1, 2, "MTU|ADVERT|SIZE"), BUFFERS, "receive buffers"),
        row(&["vrrp_rx_bufs_multiplier"], One("COUNT"), BUFFERS, "receive buffers"),
        row(&["vrrp_netlink_cmd_rcv_bufs"], One("BYTES"), BUFFERS, "receive buffers"),
        row(&["vrrp_netlink_cmd_rcv_bufs_force"], OptionalBool, BUFFERS, "receive buffers"),
        row(&["vrrp_netlink_monitor_rcv_bufs"], One("BYTES"), BUFFERS, "receive buffers"),
        row(&["vrrp_netlink_monitor_rcv_bufs_force"], OptionalBool, BUFFERS, "receive buffers"),
        row(&["lvs_netlink_cmd_rcv_bufs"], One("BYTES"), BUFFERS, "receive buffers"),
        row(&["lvs_netlink_cmd_rcv_bufs_force"], OptionalBool, BUFFERS, "receive buffers"),
        row(&["lvs_netlink_monitor_rcv_bufs"], One("BYTES"), BUFFERS, "receive buffers"),
        row(&["lvs_netlink_monitor_rcv_bufs_force"], OptionalBool, BUFFERS, "receive buffers"),
        row(&["process_monitor_rcv_bufs"], One("BYTES"), BUFFERS, "receive buffers"),
        row(&["process_monitor_rcv_bufs_force"], OptionalBool, BUFFERS, "receive buffers"),
        row(&["snmp_socket"], Words(1, 8, "SOCKET"), SNMP, "SNMP"),
        row(&["enable_snmp_keepalived"], Nothing, SNMP, "SNMP"),
        row(&["enable_snmp_vrrp"], Nothing, SNMP, "SNMP"),
        row(&["enable_snmp_checker"], Nothing, SNMP, "SNMP"),
        row(&["enable_snmp_rfc"], Nothing, SNMP, "SNMP"),
        row(&["enable_snmp_rfcv2"], Nothing, SNMP, "SNMP"),
        row(&["enable_snmp_rfcv3"], Nothing, SNMP, "SNMP"),
        row(&["enable_traps"], Nothing, SNMP, "SNMP"),
        row(&["snmp_vs_stats_update_interval"], One("SECONDS"), SNMP, "SNMP"),
        row(&["snmp_rs_stats_update_interval"], One("SECONDS"), SNMP, "SNMP"),
        row(&["enable_dbus"], Nothing, DBUS, "D-Bus"),
        row(&["dbus_service_name"], One("NAME"), DBUS, "D-Bus"),
        row(&["dbus_no_interface_name"], Nothing, DBUS, "D-Bus"),
        row(&["plugin_dir"], One("PATH"), GONE, "of very old versions"),
    ]
}
