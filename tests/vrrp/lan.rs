//! What tests of VRRP add to the simulated LAN: hosts with two links, settings by name.
pub(crate) use ldirector::pair::{host::Host, lan::Lan};
use ldirector::{
    base::{AddressFlags, Family, InterfaceAddress, LinkIndex, Prefix, Priority, Script, Vrid},
    config::{
        model::{
            Authentication, GarpSchedule, NotifyScripts, ProcessMatch, SyncGroup, TrackFile,
            TrackInterface, TrackProcess, TrackScript, TrackerUse, Version, VrrpInstance,
        },
        source::Spanned,
    },
    net::LinkView,
    notify::Notification,
    trackers::{News, Reading, Subject},
    vrrp::Action,
};
use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

pub(crate) fn lan() -> Lan {
    Lan::new(Instant::now())
}

/// Hosts by their names, which have to be there.
pub(crate) trait Hosts {
    /// With eth0 and eth1.
    fn new_host(&mut self, name: &str) -> &mut Host;
    fn host(&mut self, name: &str) -> &mut Host;
    fn set_script(&mut self, name: &str, script: &str, up: bool);
}

impl Hosts for Lan {
    fn new_host(&mut self, name: &str) -> &mut Host {
        let number = u8::try_from(self.hosts.len() + 1).unwrap();
        let links = vec![link(1, "eth0", [10, 0, 0, number]), link(2, "eth1", [10, 1, 0, number])];
        self.add(name, links)
    }

    fn host(&mut self, name: &str) -> &mut Host {
        let found = self.hosts.iter_mut().find(|host| host.name == name);
        found.unwrap_or_else(|| panic!("no node {name}"))
    }

    fn set_script(&mut self, name: &str, script: &str, up: bool) {
        self.set_tracked(name, Subject::Script(script.to_owned()), Reading::of(up));
    }
}

/// Its configuration, word by word.
pub(crate) trait Settings {
    /// That instance; it is made where it is not there.
    fn instance(&mut self, name: &str) -> &mut VrrpInstance;
    fn group(&mut self, name: &str, members: &[&str]);
    fn track(&mut self, instance: &str, script_name: &str, weight: i32);
    /// `kind`: file, process, bfd.
    fn track_other(&mut self, kind: &str, instance: &str, line: TrackerUse);
    fn track_interface(&mut self, instance: &str, name: &str, weight: i32);
    /// The last words given to the `notify` script of this instance or group.
    fn last_notify(&self, name: &str) -> Option<&str>;
}

impl Settings for Host {
    fn instance(&mut self, name: &str) -> &mut VrrpInstance {
        let found = self.config.instances.iter().position(|i| i.name.value == name);
        let at = found.unwrap_or_else(|| {
            let number = u8::try_from(self.config.instances.len()).unwrap();
            self.config.instances.push(instance(name, 51 + number));
            self.config.instances.len() - 1
        });
        &mut self.config.instances[at]
    }

    fn group(&mut self, name: &str, members: &[&str]) {
        self.config.sync_groups.push(SyncGroup {
            name: plain(name.to_owned()),
            members: members.iter().map(|member| plain((*member).to_owned())).collect(),
            notify: NotifyScripts { any: Some(script("group-notify")), ..NotifyScripts::default() },
            smtp_alert: false,
            tracking_weight: false,
        });
    }

    fn track(&mut self, instance: &str, script_name: &str, weight: i32) {
        if !self.config.scripts.iter().any(|s| s.name.value == script_name) {
            self.config.scripts.push(TrackScript {
                name: plain(script_name.to_owned()),
                script: script("/bin/true"),
                interval: Duration::from_secs(1),
                timeout: Duration::from_secs(1),
                weight: 0,
                reverse: false,
                rise: 1,
                fall: 1,
                init_fail: false,
            });
        }
        self.instance(instance).track_scripts.push(TrackerUse {
            name: plain(script_name.to_owned()),
            weight,
            reverse: false,
        });
    }

    fn track_other(&mut self, kind: &str, instance: &str, line: TrackerUse) {
        let (name, weight, reverse) = (line.name.clone(), line.weight, line.reverse);
        match kind {
            "file" => {
                let path = format!("/{}", name.value);
                self.config.files.push(TrackFile { name, path, weight, reverse, init: None });
                self.instance(instance).track_files.push(line);
            }
            "process" => {
                let which = ProcessMatch::Name(name.value.clone());
                let (quorum, quorum_max) = (1, None);
                let (fork_delay, terminate_delay) = (Duration::ZERO, Duration::ZERO);
                self.config.processes.push(TrackProcess {
                    name,
                    which,
                    weight,
                    reverse,
                    quorum,
                    quorum_max,
                    fork_delay,
                    terminate_delay,
                });
                self.instance(instance).track_processes.push(line);
            }
            _ => {
                self.config.bfds.push(name.value);
                self.instance(instance).track_bfds.push(line);
            }
        }
    }

    fn track_interface(&mut self, instance: &str, name: &str, weight: i32) {
        let line = TrackInterface { name: plain(name.to_owned()), weight, reverse: false };
        self.instance(instance).track_interfaces.push(line);
    }

    fn last_notify(&self, name: &str) -> Option<&str> {
        self.record.iter().rev().find_map(|(_, action)| match action {
            Action::Notify(Notification::Script { queue, script }) if queue == name => {
                Some(script.argv[script.argv.len() - 2].as_str())
            }
            _ => None,
        })
    }
}

pub(crate) fn plain<T>(value: T) -> Spanned<T> {
    Spanned { value, span: ldirector::config::source::Span::default() }
}

/// A script turned.
pub(crate) fn turned(name: &str, up: bool) -> News {
    News { subject: Subject::Script(name.to_owned()), reading: Reading::of(up) }
}

fn script(path: &str) -> Script {
    Script { argv: vec![path.to_owned()], user: None, group: None }
}

pub(crate) fn vip(address: IpAddr, dev: &str) -> InterfaceAddress {
    InterfaceAddress {
        address,
        length: Family::of(&address).bits(),
        dev: dev.to_owned(),
        broadcast: None,
        scope: 0,
        label: None,
        peer: None,
        flags: AddressFlags::default(),
        preferred_lifetime: None,
        track: true,
    }
}

/// Priority 100, one second, 192.0.2.10 on eth0.
pub(crate) fn instance(name: &str, vrid: u8) -> VrrpInstance {
    VrrpInstance {
        name: plain(name.to_owned()),
        wants_master: false,
        interface: plain("eth0".to_owned()),
        vrf: None,
        advert_interface: "eth0".to_owned(),
        own_links: vec![],
        vrid: plain(Vrid(vrid)),
        priority: plain(Priority(100)),
        version: Version::V2,
        family: Family::V4,
        advert_interval: Duration::from_secs(1),
        authentication: Authentication::None,
        auth_hmac: None,
        addresses: vec![vip("192.0.2.10".parse().unwrap(), "eth0")],
        excluded: vec![],
        routes: vec![],
        rules: vec![],
        static_interfaces: vec![],
        track_interfaces: vec![],
        track_scripts: vec![],
        track_processes: vec![],
        track_files: vec![],
        track_bfds: vec![],
        track_primary: true,
        notify: NotifyScripts { any: Some(script("notify")), ..NotifyScripts::default() },
        smtp_alert: false,
        preempt: true,
        preempt_delay: Duration::ZERO,
        source: None,
        track_source: false,
        multicast_group: "224.0.0.18".parse().unwrap(),
        unicast: None,
        garp: GarpSchedule {
            delay: Duration::from_secs(5),
            repeat: 5,
            refresh: Duration::ZERO,
            refresh_repeat: 1,
            lower_prio_delay: Duration::from_secs(5),
            lower_prio_repeat: 5,
            interval: Duration::ZERO,
            gna_interval: Duration::ZERO,
            extra: None,
        },
        lower_prio_no_advert: false,
        higher_prio_send_advert: false,
        owner_ignore_adverts: false,
        skip_check_adv_addr: false,
        down_timer_adverts: 3,
        timer_expired_backup: None,
        v3_checksum_as_v2: false,
        promote_secondaries: false,
        strict: false,
        accept: true,
    }
}

fn link(index: u32, name: &str, address: [u8; 4]) -> LinkView {
    let (index16, last) = (u16::try_from(index).unwrap(), u16::from(address[3]));
    LinkView {
        index: LinkIndex(index),
        name: name.to_owned(),
        up: true,
        running: true,
        multicast: true,
        noarp: false,
        loopback: false,
        mtu: 1500,
        mac: Some([2, 0, 0, 0, 0, address[3]]),
        addresses: vec![
            Prefix { address: IpAddr::from(address), length: 24 },
            Prefix { address: [0xfe80, 0, 0, 0, 0, 0, index16, last].into(), length: 64 },
        ],
    }
}
