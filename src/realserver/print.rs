//! The same for hosts without this program: a script, or the files of RHEL 7 and CentOS 7.
use super::{
    Link, Method, Observed, Settings, Step, Wanted, plan,
    text::{command, module, sysctl},
};
use crate::base::Family;
use std::net::IpAddr;

/// A host that has nothing yet, so that its plan is all that can be needed.
fn bare() -> Observed {
    let settings = Settings { rp_filter: 1, ..Settings::default() };
    let link = |name: &str, quiet| Link {
        name: name.to_owned(),
        up: true,
        quiet,
        addresses: vec![],
        settings,
    };
    Observed {
        links: vec![link("lo", true), link("eth0", false)],
        all: settings,
        default: settings,
    }
}

fn steps(wanted: &Wanted) -> Vec<Step> {
    plan(wanted, &bare()).iter().flat_map(super::Fault::steps).collect()
}

fn opening(wanted: &Wanted) -> String {
    let method = match wanted.method {
        Method::Direct => "LVS-DR",
        Method::Tunnel => "LVS-TUN",
    };
    let vips: Vec<String> = wanted.vips.iter().map(ToString::to_string).collect();
    format!("#!/bin/sh\n# Makes this host a real server of {method} for {}.", vips.join(", "))
}

const IPV6: &str = "# IPv6 needs no settings: neighbours are answered only for addresses of the \
                    interface they ask on.\n";

/// Commands for every Linux; running them twice does no harm. They last until the next boot.
#[must_use]
pub fn shell(wanted: &Wanted) -> String {
    let mut text = format!("{} Until the next boot; run it again then.\nset -e\n", opening(wanted));
    for step in steps(wanted) {
        let line = match &step {
            Step::CreateTunnel { name } => {
                let (module, kind) = (module(name), kind(name));
                format!(
                    "[ -e /sys/class/net/{name} ] || modprobe -q {module} || ip link add {name} type \
                     {kind} 2>/dev/null || [ -e /sys/class/net/{name} ]"
                )
            }
            // Adding what is there is an error, replacing it is none.
            Step::AddAddress { .. } => command(&step).replacen(" add ", " replace ", 1),
            Step::Set { .. } | Step::Up { .. } | Step::Down { .. } | Step::RemoveAddress { .. } => {
                command(&step)
            }
        };
        text.push_str(&line);
        text.push('\n');
    }
    if wanted.has(Family::V6) {
        text.push_str(IPV6);
    }
    text
}

/// The kind of link, as ip-link(8) calls it.
fn kind(tunnel: &str) -> &'static str {
    if tunnel == "ip6tnl0" { "ip6tnl" } else { "ipip" }
}

/// A script that writes the files of the `network` service and of sysctl.d(5), and starts them.
/// None where an address is of IPv6: the files are for IPv4 only.
#[must_use]
pub fn ifcfg(wanted: &Wanted) -> Option<String> {
    if wanted.has(Family::V6) {
        return None;
    }
    let mut text = format!(
        "{} For good, with the `network` service of RHEL 7 and CentOS 7.\nset -e\n",
        opening(wanted)
    );
    let (mut settings, mut modules, mut commands) = (String::new(), vec![], vec![]);
    let mut devices: Vec<(String, Vec<IpAddr>)> = vec![];
    for step in steps(wanted) {
        match step {
            Step::Set { interface, key, value, .. } => {
                settings.push_str(&format!("{} = {value}\n", sysctl(&interface, key)));
            }
            Step::CreateTunnel { name } => modules.push(module(&name)),
            Step::AddAddress { address, interface, label } => {
                let device = label.unwrap_or(interface);
                match devices.iter_mut().find(|(name, _)| *name == device) {
                    Some((_, addresses)) => addresses.push(address.address),
                    None => devices.push((device, vec![address.address])),
                }
            }
            Step::Up { .. } | Step::Down { .. } | Step::RemoveAddress { .. } => {}
        }
    }
    for module in modules {
        // Before the settings: that of the tunnel comes with it.
        text.push_str(&file("/etc/modules-load.d/lvs-realserver.conf", &format!("{module}\n")));
        text.push_str(&format!("modprobe {module}\n"));
    }
    text.push_str(&file("/etc/sysctl.d/90-lvs-realserver.conf", &settings));
    text.push_str("sysctl -p /etc/sysctl.d/90-lvs-realserver.conf\n");
    for (device, addresses) in &devices {
        let path = format!("/etc/sysconfig/network-scripts/ifcfg-{device}");
        text.push_str(&file(&path, &interface(device, addresses)));
        commands.push(format!("ifup {device}\n"));
    }
    text.push_str(&commands.concat());
    Some(text)
}

/// The first address has no number.
fn interface(device: &str, addresses: &[IpAddr]) -> String {
    let mut lines = format!("DEVICE={device}\nNAME={device}\nONBOOT=yes\n");
    for (at, vip) in addresses.iter().enumerate() {
        let number = if at == 0 { String::new() } else { at.to_string() };
        lines.push_str(&format!("IPADDR{number}={vip}\nNETMASK{number}=255.255.255.255\n"));
    }
    lines
}

fn file(path: &str, content: &str) -> String {
    format!("cat > {path} <<END\n{content}END\n")
}
