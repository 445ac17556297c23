//! What is said of a fault, in both languages, and the commands that mend it.
use super::{Fault, Key, Step};
use crate::{base::Family, config::rules::text::Language};

/// What is missing and what comes of it; without a full stop.
#[must_use]
pub fn sentence(fault: &Fault, language: Language) -> String {
    match language {
        Language::English => english(fault),
        Language::Chinese => chinese(fault),
    }
}

fn english(fault: &Fault) -> String {
    match fault {
        Fault::Setting { interface, key, value, interfaces } => {
            let name = sysctl(interface, *key);
            let interfaces = interfaces.join(", ");
            match key {
                Key::ArpIgnore => format!(
                    "{name} is {value}: on {interfaces} this host answers ARP requests for the \
                     virtual address, and takes clients away from the director"
                ),
                Key::ArpAnnounce => format!(
                    "{name} is {value}: on {interfaces} this host asks by ARP in the name of the \
                     virtual address, and its neighbours learn the wrong MAC address"
                ),
                Key::RpFilter => format!(
                    "{name} is {value}, strict: packets out of the tunnel are dropped, for the way \
                     back to the client does not lead through {interfaces}"
                ),
            }
        }
        Fault::NoTunnel { name } => {
            format!("there is no {name}: what the director sends is not unpacked")
        }
        Fault::Down { name } => format!("{name} is down"),
        Fault::Absent { vip, interface, .. } => format!(
            "{vip} is not on {interface}: this host does not take the packets that the director \
             sends it"
        ),
        Fault::Wide { found, interface, .. } => format!(
            "{interface} has {found}: this host takes the whole network for its own, and cannot \
             answer clients in it; the prefix must be /{}",
            found.family().bits()
        ),
        Fault::Exposed { found, interface } => format!(
            "{} is on {interface}, which answers for it: clients reach this host instead of the \
             director. If this host is the director now, leave it; else remove the address",
            found.address
        ),
        Fault::Strict { interfaces } => format!(
            "rp_filter is strict on {}: a client's packets are dropped where they come in by \
             another interface than the way back; 2 is loose",
            interfaces.join(", ")
        ),
    }
}

fn chinese(fault: &Fault) -> String {
    match fault {
        Fault::Setting { interface, key, value, interfaces } => {
            let name = sysctl(interface, *key);
            let interfaces = interfaces.join("、");
            match key {
                Key::ArpIgnore => format!(
                    "{name} 为 {value}：本机会在 {interfaces} 上应答对虚拟地址的 ARP 请求，\
                     把客户端从调度器那里抢走"
                ),
                Key::ArpAnnounce => format!(
                    "{name} 为 {value}：本机会在 {interfaces} 上以虚拟地址的名义发 ARP 请求，\
                     邻居会学到错误的 MAC 地址"
                ),
                Key::RpFilter => format!(
                    "{name} 为 {value}（严格）：从隧道出来的包会被丢弃，因为回客户端的路不经过 \
                     {interfaces}"
                ),
            }
        }
        Fault::NoTunnel { name } => format!("没有 {name}：调度器发来的包不会被解封装"),
        Fault::Down { name } => format!("{name} 没有启用"),
        Fault::Absent { vip, interface, .. } => {
            format!("{interface} 上没有 {vip}：本机不接收调度器转来的包")
        }
        Fault::Wide { found, interface, .. } => format!(
            "{interface} 上是 {found}：本机把整个网段当成自己的地址，无法回应其中的客户端；\
             前缀必须是 /{}",
            found.family().bits()
        ),
        Fault::Exposed { found, interface } => format!(
            "{} 在 {interface} 上，该接口会应答 ARP：客户端会直接到本机而不是调度器。\
             如果本机现在就是调度器，请保留；否则请删除该地址",
            found.address
        ),
        Fault::Strict { interfaces } => format!(
            "{} 上的 rp_filter 是严格模式：客户端的包若不从回程所走的接口进来，就会被丢弃；\
             2 是宽松模式",
            interfaces.join("、")
        ),
    }
}

/// Commands for a shell, one a line, that mend a fault; also where a person has to decide.
#[must_use]
pub fn remedy(fault: &Fault) -> Vec<String> {
    match fault {
        Fault::Exposed { found, interface } => {
            vec![format!("ip address del {found} dev {interface}")]
        }
        Fault::Strict { interfaces } => interfaces
            .iter()
            .map(|interface| format!("sysctl -w {}=2", sysctl(interface, Key::RpFilter)))
            .collect(),
        Fault::Setting { .. }
        | Fault::NoTunnel { .. }
        | Fault::Down { .. }
        | Fault::Absent { .. }
        | Fault::Wide { .. } => fault.steps().iter().map(command).collect(),
    }
}

/// A step as a command for a shell.
#[must_use]
pub fn command(step: &Step) -> String {
    match step {
        Step::Set { interface, key, value, .. } => {
            format!("sysctl -w {}={value}", sysctl(interface, *key))
        }
        Step::CreateTunnel { name } => format!("modprobe {}", module(name)),
        Step::Up { name } => format!("ip link set {name} up"),
        Step::Down { name } => format!("ip link set {name} down"),
        Step::AddAddress { address, interface, label } => {
            let label = label.as_ref().map(|label| format!(" label {label}")).unwrap_or_default();
            // Not to be chosen as the source of what this host sends of its own accord.
            let age = match address.family() {
                Family::V4 => "",
                Family::V6 => " nodad preferred_lft 0",
            };
            format!("ip address add {address} dev {interface}{label}{age}")
        }
        Step::RemoveAddress { address, interface } => {
            format!("ip address del {address} dev {interface}")
        }
    }
}

/// The module whose loading makes a tunnel.
pub(super) fn module(tunnel: &str) -> &'static str {
    if tunnel == "ip6tnl0" { "ip6_tunnel" } else { "ipip" }
}

/// As sysctl(8) takes it: with slashes where an interface's name has dots.
pub(super) fn sysctl(interface: &str, key: Key) -> String {
    let key = key.name();
    if interface.contains('.') {
        format!("net/ipv4/conf/{interface}/{key}")
    } else {
        format!("net.ipv4.conf.{interface}.{key}")
    }
}
