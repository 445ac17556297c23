//! The keywords of `global_defs` that do nothing yet, or never will.
use super::Draft;
use crate::config::keyword::{
    Keyword, Support,
    Takes::{self, Nothing, One, OptionalBool, Script, UpTo1, Words},
    not_yet,
};

const PLANNED: Support = Support::NotYet("it is planned");
const FIREWALL: Support =
    Support::NotYet("filtering with nftables is planned: `no_accept` and VMACs need it");
const PROCESS: Support = Support::NotYet("control of the processes is planned");
const RELOAD: Support = Support::NotYet("these ways to reload are planned; SIGHUP works");
const VMAC: Support = Support::NotYet("virtual MAC addresses are planned");
const SNMP: Support = Support::NoEffect("there is no SNMP agent; use `ldirector status --json`");
const DBUS: Support = Support::NoEffect("there is no D-Bus service; use `ldirector status --json`");
const BUFFERS: Support =
    Support::NoEffect("receive buffers are sized by need, nothing has to be set");
const ALWAYS: Support =
    Support::NoEffect("a new file is always looked at first; a broken one changes nothing");
const NO_COPIES: Support = Support::NoEffect("no copies are made on disk");
const FORMS: Support = Support::NotYet("use includer, includem, includew, includeb or includea");
const GROUPS: Support = Support::NotYet("groups are programmed as services of their own");
const IPTABLES: Support =
    Support::Obsolete("filtering is done with nftables where it is needed; remove the line");
const DYNAMIC: Support = Support::NotYet("interfaces that appear later are planned");
const LINKBEAT: Support = Support::NoEffect("the kernel reports link changes");
const GONE: Support = Support::NoEffect("nothing is loaded from there; remove the line");
/// Used while the text is read.
const WORKS: Support = Support::Full;

const fn row(
    names: &'static [&'static str],
    takes: Takes,
    support: Support,
    doc: &'static str,
) -> Keyword<Draft> {
    not_yet(names, takes).support(support).doc(doc)
}

pub(super) fn keywords() -> Vec<Keyword<Draft>> {
    vec![
        row(&["startup_script"], Script, PROCESS, "run before everything else"),
        row(&["startup_script_timeout"], One("SECONDS"), PROCESS, "for startup_script")
            .default("10")
            .range("1..1000"),
        row(&["shutdown_script"], Script, PROCESS, "run after everything else"),
        row(&["shutdown_script_timeout"], One("SECONDS"), PROCESS, "for shutdown_script")
            .default("10")
            .range("1..1000"),
        row(&["vrrp_priority"], One("NICE"), PROCESS, "nice value of the VRRP process")
            .range("-20..19"),
        row(&["checker_priority"], One("NICE"), PROCESS, "nice value of the checker process")
            .range("-20..19"),
        row(&["bfd_priority"], One("NICE"), PROCESS, "nice value of the BFD process")
            .range("-20..19"),
        row(&["vrrp_no_swap"], Nothing, PROCESS, "keep the VRRP process in memory"),
        row(&["checker_no_swap"], Nothing, PROCESS, "keep the checker process in memory"),
        row(&["bfd_no_swap"], Nothing, PROCESS, "keep the BFD process in memory"),
        row(
            &["vrrp_rt_priority"],
            One("PRIORITY"),
            PROCESS,
            "real-time priority of the VRRP process",
        )
        .range("1..99"),
        row(
            &["checker_rt_priority"],
            One("PRIORITY"),
            PROCESS,
            "real-time priority of the checker process",
        )
        .range("1..99"),
        row(
            &["bfd_rt_priority"],
            One("PRIORITY"),
            PROCESS,
            "real-time priority of the BFD process",
        )
        .range("1..99"),
        row(
            &["vrrp_cpu_affinity"],
            Words(1, 1024, "CPU..."),
            PROCESS,
            "processors of the VRRP process",
        ),
        row(
            &["checker_cpu_affinity"],
            Words(1, 1024, "CPU..."),
            PROCESS,
            "processors of the checker process",
        ),
        row(
            &["bfd_cpu_affinity"],
            Words(1, 1024, "CPU..."),
            PROCESS,
            "processors of the BFD process",
        ),
        row(
            &["vrrp_rlimit_rttime", "vrrp_rlimit_rtime"],
            One("MICROSECONDS"),
            PROCESS,
            "limit of real-time computing",
        ),
        row(
            &["checker_rlimit_rttime", "checker_rlimit_rtime"],
            One("MICROSECONDS"),
            PROCESS,
            "limit of real-time computing",
        ),
        row(
            &["bfd_rlimit_rttime", "bfd_rlimit_rtime"],
            One("MICROSECONDS"),
            PROCESS,
            "limit of real-time computing",
        ),
        row(
            &["max_auto_priority"],
            UpTo1("PRIORITY"),
            PROCESS,
            "real-time priority taken when late",
        )
        .default("0")
        .range("-1..99"),
        row(
            &["min_auto_priority_delay"],
            One("MICROSECONDS"),
            PROCESS,
            "what counts as late for max_auto_priority",
        )
        .default("1000000")
        .range("1..10000000"),
        row(&["process_names"], Nothing, PROCESS, "name the processes by what they do"),
        row(&["process_name"], UpTo1("NAME"), PROCESS, "name of the parent in ps"),
        row(&["vrrp_process_name"], UpTo1("NAME"), PROCESS, "name of the VRRP process in ps"),
        row(
            &["checker_process_name", "lvs_process_name"],
            UpTo1("NAME"),
            PROCESS,
            "name of the checker process in ps",
        ),
        row(&["bfd_process_name"], UpTo1("NAME"), PROCESS, "name of the BFD process in ps"),
        row(&["umask"], Words(1, 32, "MASK"), PROCESS, "for files that are created")
            .default("0177"),
        row(
            &["set_supplementary_groups"],
            OptionalBool,
            PROCESS,
            "scripts get all groups of their user",
        ),
        row(
            &["use_symlink_paths"],
            OptionalBool,
            PROCESS,
            "script paths may contain symbolic links",
        ),
        row(&["reload_check_config"], UpTo1("LOG"), ALWAYS, "look at a new file before it is used"),
        row(&["reload_time_file"], One("PATH"), RELOAD, "when to reload"),
        row(&["reload_repeat"], Nothing, RELOAD, "reload_time_file is read again"),
        row(&["reload_file"], UpTo1("PATH"), RELOAD, "marks that a reload goes on"),
        row(&["config_save_dir"], One("PATH"), RELOAD, "keeps what was read"),
        row(&["tmp_config_directory"], One("PATH"), NO_COPIES, "for copies of the configuration"),
        row(&["config_copy_directory"], One("PATH"), NO_COPIES, "for copies of the configuration"),
        row(
            &["include_check"],
            Words(0, 8, "[+-]read|match|..."),
            FORMS,
            "what missing includes mean",
        ),
        row(&["random_seed"], UpTo1("SEED"), WORKS, "makes ${_RANDOM} repeatable"),
        row(&["data_use_instance"], Nothing, PLANNED, "instance name in names of dumps"),
        row(&["json_version"], One("1|2"), PLANNED, "form of the JSON dump"),
        row(&["state_dump_file"], One("PATH"), PLANNED, "for SIGUSR1"),
        row(&["stats_dump_file"], One("PATH"), PLANNED, "for SIGUSR2"),
        row(&["json_dump_file"], One("PATH"), PLANNED, "for the JSON dump"),
        row(&["iproute_usr_dir"], One("PATH"), WORKS, "names of tables, scopes, protocols"),
        row(&["iproute_etc_dir"], One("PATH"), WORKS, "the same, and these win"),
        row(&["nftables"], UpTo1("TABLE"), FIREWALL, "table for filters").default("keepalived"),
        row(&["nftables_priority"], One("PRIORITY"), FIREWALL, "of our chains").default("-1"),
        row(&["nftables_ifindex"], Nothing, FIREWALL, "filters name interfaces by number"),
        row(&["nftables_counters"], Nothing, FIREWALL, "filters count"),
        row(&["nftables_ipvs"], UpTo1("TABLE"), GROUPS, "groups through one firewall mark")
            .default("keepalived_ipvs"),
        row(&["nftables_ipvs_priority"], One("PRIORITY"), GROUPS, "of our chains").default("-1"),
        row(&["nftables_ipvs_start_fwmark"], One("MARK"), GROUPS, "first automatic mark")
            .default("1000"),
        row(&["vrrp_iptables"], Words(0, 2, "[IN [OUT]]"), IPTABLES, "chains for filters"),
        row(&["vrrp_ipsets"], Words(0, 4, "[NAME...]"), IPTABLES, "sets for filters"),
        row(
            &["dynamic_interfaces"],
            UpTo1("allow_if_changes"),
            DYNAMIC,
            "interfaces may come and go",
        ),
        row(&["disable_local_igmp"], Nothing, VMAC, "no IGMP for 224.0.0.x"),
        row(&["vmac_prefix"], One("PREFIX"), VMAC, "of names of VMACs").default("vrrp"),
        row(&["vmac_addr_prefix"], One("PREFIX"), VMAC, "of names of VMACs for addresses"),
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
