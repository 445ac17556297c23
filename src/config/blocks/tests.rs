//! Every rule fires once on its wrong example and stays silent on the right one; defaults and
//! inheritance do not depend on the order of blocks.
use super::testing::{codes, instance, only, read};
use crate::{
    base::{Family, Priority},
    config::{
        keyword::{KeywordInfo, Support},
        model::{Authentication, Config, Version},
    },
};
use std::{collections::BTreeSet, time::Duration};

/// Code, wrong lines, right lines; both inside an instance.
const IN_INSTANCE: &[(u16, &str, &str)] = &[
    (405, "state BACKUP\nstate MASTER", "state BACKUP"),
    (406, "state MASTER", "state MASTER\npriority 100"),
    (407, "state MASTER\npriority 100\nnopreempt", "state BACKUP\nnopreempt"),
    (408, "priority 255\nnopreempt", "priority 254\nnopreempt"),
    (409, "state MASTER\npriority 100\npreempt_delay 5", "preempt_delay 5"),
    (409, "nopreempt\npreempt_delay 5", "nopreempt\npreempt_delay 0"),
    (410, "advert_int 0.3", "advert_int 3"),
    (411, "version 3\nadvert_int 50", "version 3\nadvert_int 0.25"),
    (
        412,
        "authentication {\nauth_type PASS\nauth_pass 123456789\n}",
        "authentication {\nauth_type PASS\nauth_pass 12345678\n}",
    ),
    (
        413,
        "version 3\nauthentication {\nauth_type PASS\nauth_pass x\n}",
        "version 2\nauthentication {\nauth_type AH\nauth_pass x\n}",
    ),
    (
        414,
        "strict_mode\nauthentication {\nauth_type PASS\nauth_pass x\n}",
        "strict_mode off\nauthentication {\nauth_type PASS\nauth_pass x\n}",
    ),
    (415, "authentication {\nauth_type PASS\n}", "authentication {\n}"),
    (416, "authentication {\nauth_pass x\n}", "authentication {\nauth_type PASS\nauth_pass x\n}"),
    (419, "virtual_ipaddress {\n2001:db8::1\n}", "virtual_ipaddress_excluded {\n2001:db8::1\n}"),
    (
        420,
        "virtual_ipaddress {\n10.0.0.100/24\n}",
        "virtual_ipaddress {\n10.0.0.100/24 dev eth1\n}",
    ),
    (
        420,
        "virtual_ipaddress_excluded {\n10.0.0.100\n}",
        "virtual_ipaddress_excluded {\n10.0.0.101\n}",
    ),
    (423, "mcast_src_ip 2001:db8::1", "mcast_src_ip 10.0.0.1"),
    (424, "strict_mode\nstate MASTER\npriority 100", "strict_mode\nstate MASTER\npriority 255"),
    (425, "strict_mode\naccept", "strict_mode\nversion 3\naccept"),
    (498, "strict_mode\npriority 255\nstate BACKUP", "strict_mode\npriority 255"),
    (425, "strict_mode\ndown_timer_adverts 5", "strict_mode\ndown_timer_adverts 3"),
    (457, "unicast_peer {\n10.0.0.2\n}", "unicast_src_ip 10.0.0.1\nunicast_peer {\n10.0.0.2\n}"),
    (310, "mcast_dst_ip 10.0.0.18", "mcast_dst_ip 224.0.0.19"),
    (423, "mcast_dst_ip ff02::12", "mcast_dst_ip 239.1.2.3"),
    (
        480,
        "unicast_src_ip 10.0.0.1\nunicast_peer {\n10.0.0.2\nfe80::2\n}",
        "unicast_src_ip 10.0.0.1\nunicast_peer {\n10.0.0.2 min_ttl 250 max_ttl 255\n}",
    ),
    (481, "unicast_src_ip 10.0.0.1", "unicast_src_ip 10.0.0.1\nunicast_fault_no_peer"),
    (481, "unicast_ttl 64", "mcast_src_ip 10.0.0.1"),
    (483, "vrf red", ""),
    (
        484,
        "strict_mode\nunicast_src_ip 10.0.0.1\nunicast_peer {\n10.0.0.2\n}",
        "unicast_src_ip 10.0.0.1\nunicast_peer {\n10.0.0.2\n}",
    ),
    (
        486,
        "auth_hmac {\nkey 1 0123456789abcdef0123456789abcdef\nactive_key 1\nmode strict\n}",
        "auth_hmac {\nkey 1 0123456789abcdef0123456789abcdef\nactive_key 1\nmode permissive\n}",
    ),
    (
        487,
        "auth_hmac {\nkey 1 short\nactive_key 1\n}",
        "auth_hmac {\nkey 1 0123456789abcdef0123456789abcdef\nactive_key 1\nanti_replay time\n}",
    ),
    (488, "auth_hmac {\nkey 1 hex:0g\nactive_key 1\n}", ""),
    (
        489,
        "auth_hmac {\nkey 1 0123456789abcdef0123456789abcdef\nkey 1 0123456789abcdef0123456789abcdef\nactive_key 1\n}",
        "auth_hmac {\nkey 1 0123456789abcdef0123456789abcdef\nkey 2 0123456789abcdef0123456789abcdef\nactive_key 2\n}",
    ),
    (
        490,
        "auth_hmac {\nmode receive-only\n}",
        "auth_hmac {\nkey 1 0123456789abcdef0123456789abcdef\nmode receive-only\n}",
    ),
    (494, "auth_hmac {\nkey 1 0123456789abcdef0123456789abcdef\nactive_key 3\n}", ""),
    (495, "auth_hmac {\nkey 1 0123456789abcdef0123456789abcdef\n}", ""),
    (485, "timer_expired_backup 100", "nopreempt\ntimer_expired_backup"),
    (440, "track_script {\nchk_nginx\n}", ""),
    (446, "track_interface {\neth0\n}", "track_interface {\neth1\n}"),
    (447, "track_interface {\neth1\neth1\n}", "track_interface {\neth1\neth2\n}"),
    (448, "track_interface {\neth1 weight 254\n}", "track_interface {\neth1 weight -253\n}"),
    (
        450,
        "priority 255\ntrack_interface {\neth1 weight 5\n}",
        "priority 255\ntrack_interface {\neth1\n}",
    ),
    (451, "track_interface {\neth1 eth2\n}", "track_interface {\neth1 weight 3 reverse\n}"),
    (452, "track_interface {\neth1 weight x\n}", "track_interface {\neth1 weight 0\n}"),
    (453, "notify_master /a\nnotify_master /b", "notify_master /a\nnotify_backup /b"),
    (454, "notify_master /a MASTER", "notify_master /a root"),
    (456, "interface a-very-long-name-it-is", "interface fifteen-letters"),
    (458, "state MAIN", "state BACKUP"),
    (459, "authentication {\nauth_type MD5\n}", "authentication {\n}"),
    (
        326,
        "virtual_ipaddress_excluded {\n10.0.0.9/24 eth0\n}",
        "virtual_ipaddress_excluded {\n10.0.0.9/24 dev eth0\n}",
    ),
    (
        327,
        "virtual_ipaddress_excluded {\n10.0.0.9/24, 10.0.0.8/24\n}",
        "virtual_ipaddress_excluded {\n10.0.0.9/24\n10.0.0.8/24\n}",
    ),
    (
        328,
        "virtual_ipaddress_excluded {\n10.0.0.9 255.255.255.0\n}",
        "virtual_ipaddress_excluded {\n10.0.0.9/24\n}",
    ),
    (471, "interface lo", ""),
    (472, "track_script {\n/bin/true\n}", ""),
    (460, "use_vmac vip0 vip1", "use_vmac name vip0 group 3"),
    (461, "use_vmac 01:00:5e:00:01", "use_vmac 02:00:5e:00:01"),
    (461, "use_vmac 00:00:5e:00:01:07", "use_vmac 00:00:5e:00:03:07"),
    (462, "use_vmac group x", "use_vmac group default"),
    (463, "use_vmac\nuse_ipvlan 10.0.0.9", "use_ipvlan 10.0.0.9"),
    (
        465,
        "use_vmac\nunicast_peer {\n10.0.0.2\n}",
        "use_vmac\nvmac_xmit_base\nunicast_peer {\n10.0.0.2\n}",
    ),
    (466, "use_ipvlan", "use_ipvlan 10.0.0.9/24 vepa"),
    (306, "lvs_sync_daemon_interface eth0", ""),
    (306, "lvs_sync_daemon_inteface eth0", ""),
    (314, "garp_master_repeat 0", "garp_master_repeat 1"),
    (320, "virtual_ipaddress {\nvip.example.org\n}", ""),
    (
        321,
        "virtual_ipaddress_excluded {\n10.0.0.9 outside\n}",
        "virtual_ipaddress_excluded {\n10.0.0.9\n}",
    ),
    (322, "virtual_ipaddress {\n10.0.0.101 dev\n}", "virtual_ipaddress {\n10.0.0.101 dev eth1\n}"),
    (
        323,
        "virtual_ipaddress {\n10.0.0.101 scope lan\n}",
        "virtual_ipaddress {\n10.0.0.101 scope link\n}",
    ),
    (
        324,
        "virtual_ipaddress_excluded {\n2001:db8::1/64 label x\n}",
        "virtual_ipaddress_excluded {\n2001:db8::1/64\n}",
    ),
    (325, "virtual_ipaddress {\n10.0.0.101/33\n}", "virtual_ipaddress {\n10.0.0.101/32\n}"),
    (330, "virtual_routes {\nvia 10.0.0.1\n}", "virtual_routes {\ndefault via 10.0.0.1\n}"),
    (331, "virtual_routes {\ndefault via 10.0.0.1 nonsense\n}", ""),
    (333, "virtual_routes {\ndefault via\n}", ""),
    (
        334,
        "virtual_routes {\ndefault via 10.0.0.1 table mine\n}",
        "virtual_routes {\ndefault via 10.0.0.1 table 100\n}",
    ),
    (335, "virtual_routes {\n10.1.0.0/16\n}", "virtual_routes {\nblackhole 10.1.0.0/16\n}"),
    (
        336,
        "virtual_routes {\n10.1.0.0/16 dev eth0 src 2001:db8::1\n}",
        "virtual_routes {\ndefault dev eth0 src 2001:db8::1\n}",
    ),
    (
        338,
        "virtual_routes {\ndefault via 10.0.0.1 or 10.0.0.2\n}",
        "virtual_routes {\ndefault nexthop via 10.0.0.1\n}",
    ),
    (
        339,
        "virtual_routes {\n10.1.0.0/16 dev eth0 expires 9\n}",
        "virtual_routes {\n2001:db8::/32 dev eth0 expires 9\n}",
    ),
    (
        340,
        "virtual_routes {\n10.1.0.0/16 as to 10.0.0.1 dev eth0\n}",
        "virtual_routes {\n10.1.0.0/16 dev eth0\n}",
    ),
    (341, "virtual_routes {\n10.1.2.0/16 dev eth0\n}", "virtual_routes {\n10.1.0.0/16 dev eth0\n}"),
    (
        342,
        "virtual_routes {\n10.1.0.0/16 via 10.0.0.1\n}",
        "virtual_routes {\n10.1.0.0/16 via 10.0.0.1 no_track\n}",
    ),
    (
        343,
        "virtual_routes {\n10.1.0.0/16 dev eth0 protocol bgp\n}",
        "virtual_routes {\n10.1.0.0/16 dev eth0 protocol bgp no_track\n}",
    ),
    (
        344,
        "virtual_routes {\n10.1.0.0/16 dev eth0 rtt 9ms\n}",
        "virtual_routes {\n10.1.0.0/16 dev eth0 rtt 250ms\n}",
    ),
    (
        345,
        "virtual_routes {\ndefault nexthop via 10.0.0.1 metric 5\n}",
        "virtual_routes {\ndefault metric 5 nexthop via 10.0.0.1\n}",
    ),
    (
        346,
        "virtual_routes {\n10.1.0.0/16 dev eth0 encap bpf\n}",
        "virtual_routes {\n10.1.0.0/16 dev eth0 encap mpls 5\n}",
    ),
    (
        350,
        "virtual_rules {\nfrom 10.1.0.0/16 by table 5 pref 5\n}",
        "virtual_rules {\nfrom 10.1.0.0/16 table 5 pref 5\n}",
    ),
    (351, "virtual_rules {\nfrom 10.1.0.0/16 table\n}", ""),
    (
        352,
        "virtual_rules {\nfrom 10.1.0.0/16 table nosuch pref 5\n}",
        "virtual_rules {\nfrom 10.1.0.0/16 table main pref 5\n}",
    ),
    (
        353,
        "virtual_rules {\nfrom 10.1.0.0/16 pref 5\n}",
        "virtual_rules {\nfrom 10.1.0.0/16 nop pref 5\n}",
    ),
    (354, "virtual_rules {\nfrom 10.1.0.0/16 nop blackhole pref 5\n}", ""),
    (
        355,
        "virtual_rules {\nfrom 10.1.0.0/16 to ::1 nop pref 5\n}",
        "virtual_rules {\nfrom 10.1.0.0/16 to 10.2.0.0/16 nop pref 5\n}",
    ),
    (
        356,
        "virtual_rules {\nfrom 10.1.0.0/16 nop\n}",
        "virtual_rules {\nfrom 10.1.0.0/16 nop pref 5\n}",
    ),
    (
        357,
        "virtual_rules {\nfrom 10.1.0.0/16 goto 4 pref 5\n}",
        "virtual_rules {\nfrom 10.1.0.0/16 goto 6 pref 5\n}",
    ),
    (
        358,
        "virtual_rules {\nfrom ::1 nop realms 4 pref 5\n}",
        "virtual_rules {\nfrom 10.1.0.0/16 nop realms 4 pref 5\n}",
    ),
    (
        365,
        "virtual_rules {\nfrom ::1 nop pref 5 track_group G\n}",
        "virtual_rules {\nfrom ::1 nop pref 5\n}",
    ),
    (
        366,
        "virtual_ipaddress_excluded {\n10.0.0.9 brd + peer 10.0.0.8\n}",
        "virtual_ipaddress_excluded {\n10.0.0.9/24 brd +\n}",
    ),
    (337, "virtual_routes {\ndefault gw 10.0.0.1\n}", "virtual_routes {\ndefault via 10.0.0.1\n}"),
];

/// Code, wrong text, right text.
const IN_FILE: &[(u16, &str, &str)] = &[
    (
        315,
        "global_defs {\nprocess_name a_very_long_name\n}",
        "global_defs {\nprocess_name a_long_name\n}",
    ),
    (316, "global_defs {\numask IWALL\n}", "global_defs {\numask IWGRP|IWOTH\n}"),
    (317, "global_defs {\nreload_file now\n}", "global_defs {\nreload_file /run/now\n}"),
    (
        301,
        "global_defs {\nnotification_email {\nroot\n}\nsmtp_server ::1\n}",
        "global_defs {\nnotification_email {\na@b\n}\nsmtp_server ::1\n}",
    ),
    (
        302,
        "global_defs {\nlvs_sync_daemon eth0 VI_1 7\n}",
        "global_defs {\nlvs_sync_daemon eth0 id 7\n}",
    ),
    (
        303,
        "global_defs {\nlvs_sync_daemon eth0 VI_1 bogus\n}",
        "global_defs {\nlvs_sync_daemon eth0 port 8848\n}",
    ),
    (304, "global_defs {\nlvs_sync_daemon eth0 id\n}", ""),
    (305, "global_defs {\nlvs_sync_daemon eth0 VI_9\n}", "global_defs {\nlvs_sync_daemon eth0\n}"),
    (308, "global_defs {\nlvs_id LVS\n}", "global_defs {\nrouter_id LVS\n}"),
    (308, "lvs_id LVS", ""),
    (309, "global_defs {\nlvs_flush_on_stop all\n}", "global_defs {\nlvs_flush_on_stop VS\n}"),
    (
        310,
        "global_defs {\nvrrp_mcast_group4 10.0.0.1\n}",
        "global_defs {\nvrrp_mcast_group4 224.0.0.18\n}",
    ),
    (311, "global_defs {\nnotification_email {\na@b\n}\n}", "global_defs {\n}"),
    (
        312,
        "global_defs {\nlvs_timeouts icmp 4\n}",
        "global_defs {\nlvs_timeouts tcp 900 udp 300\n}",
    ),
    (
        313,
        "global_defs {\nlvs_sync_daemon eth0 id 256\n}",
        "global_defs {\nlvs_sync_daemon eth0 id 255\n}",
    ),
    (401, "vrrp_instance A {\ninterface eth0\nno_virtual_ipaddress\n}", ""),
    (402, "vrrp_instance A {\nvirtual_router_id 1\nno_virtual_ipaddress\n}", ""),
    (
        403,
        "vrrp_instance A {\ninterface eth0\nvirtual_router_id 1\nno_virtual_ipaddress\n}\nvrrp_instance A {\n}",
        "",
    ),
    (
        404,
        "vrrp_instance A {\ninterface eth0\nvirtual_router_id 1\nno_virtual_ipaddress\n}\nvrrp_instance B {\ninterface eth0\nvirtual_router_id 1\nno_virtual_ipaddress\n}",
        "vrrp_instance A {\ninterface eth0\nvirtual_router_id 1\nno_virtual_ipaddress\n}\nvrrp_instance B {\ninterface eth1\nvirtual_router_id 1\nno_virtual_ipaddress\n}",
    ),
    (
        418,
        "vrrp_instance A {\ninterface eth0\nvirtual_router_id 1\n}",
        "vrrp_instance A {\ninterface eth0\nvirtual_router_id 1\nno_virtual_ipaddress\n}",
    ),
    (
        496,
        "vrrp_instance A {\ninterface eth0\nvirtual_router_id 1\nstrict_mode\nvirtual_ipaddress {\n2001:db8::1\n}\n}",
        "vrrp_instance A {\ninterface eth0\nvirtual_router_id 1\nstrict_mode\nvirtual_ipaddress {\nfe80::1\n2001:db8::1\n}\n}",
    ),
    (
        497,
        "vrrp_instance A {\ninterface eth0\nvirtual_router_id 1\nstrict_mode\nno_virtual_ipaddress\n}",
        "vrrp_instance A {\ninterface eth0\nvirtual_router_id 1\nno_virtual_ipaddress\n}",
    ),
    (
        482,
        "vrrp_instance A {\nvirtual_router_id 1\nunicast_src_ip fe80::1\nunicast_peer {\nfe80::2\n}\nno_virtual_ipaddress\n}",
        "vrrp_instance A {\nvirtual_router_id 1\nunicast_src_ip 2001:db8::1\nunicast_peer {\n2001:db8::2\n}\nno_virtual_ipaddress\nvrf red\n}",
    ),
    (
        482,
        "vrrp_instance A {\nvirtual_router_id 1\nunicast_peer {\n10.0.0.2\n}\nno_virtual_ipaddress\n}",
        "vrrp_instance A {\nvirtual_router_id 1\nunicast_src_ip 10.0.0.1\nunicast_peer {\n10.0.0.2\n}\nno_virtual_ipaddress\n}",
    ),
    (
        426,
        "vrrp_instance A {\ninterface eth0\nvirtual_router_id 1\nversion 2\nstrict_mode\nvirtual_ipaddress {\nfe80::1\n}\n}",
        "vrrp_instance A {\ninterface eth0\nvirtual_router_id 1\nversion 3\nvirtual_ipaddress {\nfe80::1\n}\n}",
    ),
    (
        417,
        "vrrp_instance A {\ninterface eth0\nvirtual_router_id 1\nversion 3\nauthentication {\nauth_type PASS\nauth_pass x\n}\nvirtual_ipaddress {\nfe80::1\n}\n}",
        "",
    ),
    (
        435,
        "vrrp_instance A {\n}\nvrrp_sync_group G {\ngroup {\nA\n}\n}\nvrrp_sync_group G {\n}",
        "",
    ),
    (
        464,
        "vrrp_instance A {\ninterface eth0\nvirtual_router_id 1\nuse_vmac v\n}\nvrrp_instance B {\ninterface eth0\nvirtual_router_id 2\nuse_vmac v\n}",
        "vrrp_instance A {\ninterface eth0\nvirtual_router_id 1\nuse_vmac v\n}\nvrrp_instance B {\ninterface eth0\nvirtual_router_id 2\nuse_vmac\n}",
    ),
    (467, "garp_group {\ngarp_interval 1\n}", "garp_group {\ninterface eth0\n}"),
    (
        468,
        "garp_group {\ninterface eth0\n}\ngarp_group {\ninterfaces {\neth0 eth1\n}\n}",
        "garp_group {\ninterface eth0\n}\ngarp_group {\ninterfaces {\neth1\n}\n}",
    ),
    (469, "interface_up_down_delays {\neth0\n}", "interface_up_down_delays {\neth0 0.5 3\n}"),
    (
        470,
        "interface_up_down_delays {\neth0 3\n}\nvrrp_instance A {\ninterface eth0\nvirtual_router_id 1\nno_virtual_ipaddress\n}",
        "interface_up_down_delays {\neth0 2\n}\nvrrp_instance A {\ninterface eth0\nvirtual_router_id 1\nno_virtual_ipaddress\n}",
    ),
    (430, "vrrp_sync_group G {\ngroup {\nA\n}\n}", ""),
    (
        441,
        "vrrp_script chk_nginx {\nscript /a\n}\nvrrp_instance A {\ntrack_script {\nchk_ngnix\n}\n}",
        "vrrp_script chk_nginx {\nscript /a\n}\nvrrp_instance A {\ntrack_script {\nchk_nginx\n}\n}",
    ),
    (434, "vrrp_sync_group G {\n}", ""),
    (442, "vrrp_script A {\n}\nvrrp_script A {\nscript /a\n}", ""),
    (443, "vrrp_script A {\n}", ""),
    (473, "vrrp_script A {\nscript /a\nweight 5 always\n}", "vrrp_script A {\nweight 5 reverse\n}"),
    (474, "vrrp_script A {\nscript /a\nweight - 20\n}", "vrrp_script A {\nweight -20\n}"),
    (444, "vrrp_script A {\nscript /a\n}", ""),
    (
        445,
        "vrrp_script A {\nscript /a\ntimeout 3\ninterval 2\n}",
        "vrrp_script A {\nscript /a\ntimeout 1\ninterval 2\n}",
    ),
    (
        455,
        "vrrp_script A {\nscript killall -0 nginx\n}",
        "vrrp_script A {\nscript \"killall -0 nginx\"\n}",
    ),
];

#[test]
fn rules_of_an_instance_fire_once_and_stay_silent() {
    for (code, wrong, right) in IN_INSTANCE {
        assert_fires(*code, &instance(wrong), &instance(right));
    }
}

#[test]
fn rules_of_a_file_fire_once_and_stay_silent() {
    for (code, wrong, right) in IN_FILE {
        assert_fires(*code, wrong, right);
    }
}

fn assert_fires(code: u16, wrong: &str, right: &str) {
    let count = codes(wrong).iter().filter(|found| **found == code).count();
    assert_eq!(count, 1, "LD{code:04} on\n{wrong}\nfound {:?}", codes(wrong));
    assert!(!codes(right).contains(&code), "LD{code:04} on\n{right}");
}

#[test]
fn a_plain_instance_has_keepaliveds_defaults() {
    let text = instance("");
    assert_eq!(codes(&text), Vec::<u16>::new());
    let found = only(&text);
    assert_eq!(found.priority.value, Priority(100));
    assert!(!found.wants_master);
    assert_eq!((found.version, found.family), (Version::V2, Family::V4));
    assert_eq!(found.advert_interval, Duration::from_secs(1));
    assert_eq!(found.authentication, Authentication::None);
    assert!(found.preempt && found.track_primary && found.accept && !found.strict);
    assert_eq!(found.down_timer_adverts, 3);
    assert_eq!(found.multicast_group.to_string(), "224.0.0.18");
    let garp = &found.garp;
    assert_eq!((garp.delay, garp.repeat), (Duration::from_secs(5), 5));
    assert_eq!((garp.refresh, garp.refresh_repeat), (Duration::ZERO, 1));
    assert_eq!((garp.lower_prio_delay, garp.lower_prio_repeat), (Duration::from_secs(5), 5));
    assert_eq!(found.addresses[0].dev, "eth0");
}

#[test]
fn globals_apply_whatever_the_order() {
    let global = "global_defs {\nvrrp_version 3\nvrrp_garp_master_delay 1\nsmtp_alert\n\
                  vrrp_mcast_group4 224.0.0.200\nvrrp_lower_prio_no_advert\n}\n";
    let script = "vrrp_script chk {\nscript /c\nweight -20\n}\n";
    let group = "vrrp_sync_group G {\ngroup {\nVI_1 VI_2\n}\n}\n";
    let first = instance("track_script {\nchk\n}");
    let second = first.replace("VI_1", "VI_2").replace("51", "52").replace(".100", ".101");
    let parts = [global, script, group, &first, &second];
    let (expected, _) = read(&parts.concat());
    assert_eq!(expected.vrrp.instances[0].version, Version::V3);
    assert!(expected.vrrp.instances[0].smtp_alert);
    let backwards: String = parts.iter().rev().copied().collect();
    let (mut other, _) = read(&backwards);
    std::sync::Arc::make_mut(&mut other.vrrp).instances.reverse();
    assert_eq!(expected, other);
}

#[test]
fn instances_do_not_share_addresses_or_the_sync_daemon() {
    let first = instance("lvs_sync_daemon_interface eth1");
    let second = first.replace("VI_1", "VI_2").replace("51", "52");
    assert_eq!(codes(&(first.clone() + &second)), [306, 306, 422]);
    let third = second.replace("eth1", "eth2").replace("0.100", "0.101");
    assert_eq!(codes(&(first + &third)), [306, 306, 307]);
}

#[test]
fn every_rule_of_vrrp_and_globals_is_used() {
    let covered: BTreeSet<u16> =
        IN_INSTANCE.iter().chain(IN_FILE).map(|(code, _, _)| *code).collect();
    // In tests of their own above, next to the blocks, and of the program.
    let elsewhere =
        [307, 318, 319, 360, 361, 362, 363, 364, 421, 422, 431, 432, 433, 449, 491, 492, 493];
    for rule in crate::config::rules::vrrp::ALL.iter().chain(crate::config::rules::global::ALL) {
        let known = covered.contains(&rule.code) || elsewhere.contains(&rule.code);
        assert!(known, "LD{:04} has no example", rule.code);
    }
}

#[test]
fn sync_groups_bind_weights_and_name_members() {
    let two = |members: &str| {
        let first = instance("track_interface {\neth1 weight 5\n}");
        let second = instance("").replace("VI_1", "VI_2").replace("51", "52").replace("100", "101");
        format!("{first}{second}vrrp_sync_group G {{\ngroup {{\n{members}\n}}\n}}\n")
    };
    let (config, _) = read(&two("VI_1\nVI_2"));
    assert!(config.vrrp.instances[0].track_interfaces.is_empty());
    assert_eq!(codes(&two("VI_1 VI_2")), [449]);
    assert_eq!(codes(&two("VI_1 VI_2 VI_33")), [431, 449]);
    assert_eq!(codes(&two("VI_2")), [433]);
    let again = two("VI_1 VI_2") + "vrrp_sync_group H {\ngroup {\nVI_1\n}\n}\n";
    assert!(codes(&again).contains(&432));
    let free = two("VI_1 VI_2").replace("group {\nVI", "sync_group_tracking_weight\ngroup {\nVI");
    assert_eq!(codes(&free), Vec::<u16>::new());
}

#[test]
fn copied_samples_load_with_advice_only() {
    let sample = "global_defs {\nvrrp_garp_interval 0\nvrrp_gna_interval 0\nvrrp_iptables\n}\n"
        .to_owned()
        + &instance("debug\nlvs_sync_daemon_inteface eth1\nsmtp_alert");
    let (config, found) = read(&sample);
    assert!(!found.has_errors(), "{found:?}");
    let daemon = config.global.sync_daemon.as_ref().unwrap();
    assert_eq!((daemon.interface.as_str(), daemon.instance.as_deref()), ("eth1", Some("VI_1")));
}

#[test]
fn master_without_priority_owns_and_ignores_nopreempt() {
    let found = only(&instance("state MASTER\nnopreempt"));
    assert_eq!(found.priority.value, Priority::OWNER);
    assert!(found.wants_master && found.preempt);
    let found = only(&instance("priority 255"));
    assert!(found.wants_master, "255 without state starts as MASTER");
    let found = only(&instance("priority 255\nstate BACKUP"));
    assert!(!found.wants_master);
}

#[test]
fn intervals_fit_the_versions_field() {
    for (version, written, used) in
        [(2, "1.4", 1000), (2, "0.2", 1000), (2, "2.5", 3000), (3, "0.254", 250), (3, "50", 40_950)]
    {
        let found = only(&instance(&format!("version {version}\nadvert_int {written}")));
        assert_eq!(found.advert_interval, Duration::from_millis(used), "v{version} {written}");
    }
}

#[test]
fn one_mistake_is_reported_once() {
    let text = instance("").replace("51", "KEEPALIVED_ID");
    assert_eq!(codes(&text), [201]);
}

#[test]
fn surplus_addresses_move_to_the_excluded() {
    let lines: String = (0..256).map(|n| format!("10.1.{}.1\n", n)).collect();
    let text = instance(&format!("virtual_ipaddress {{\n{lines}}}"));
    assert_eq!(codes(&text), [421]);
    let found = only(&text);
    assert_eq!((found.addresses.len(), found.excluded.len()), (255, 2));
}

#[test]
fn tables_name_each_keyword_once_and_explain_it() {
    for block in super::blocks() {
        let mut seen = BTreeSet::new();
        for KeywordInfo { names, support, doc, .. } in (block.keywords)() {
            for name in names {
                assert!(seen.insert(*name), "{name} twice in {}", block.name);
            }
            assert!(!doc.is_empty(), "{names:?} of {} has no doc", block.name);
            let (Support::NotYet(why) | Support::NoEffect(why) | Support::Obsolete(why)) = support
            else {
                continue;
            };
            assert!(!why.is_empty(), "{names:?} of {} has no reason", block.name);
        }
    }
}

#[test]
fn nothing_gives_the_default_model() {
    let (config, found) = read("");
    assert_eq!(config, Config::default());
    assert!(found.is_empty());
}
