//! What we send.
use super::wire::{
    AF_INET, AF_INET6, CTRL_ATTR_FAMILY_NAME, CTRL_CMD_GETFAMILY, FAMILY_NAME, GENL_ID_CTRL,
    NLA_F_NESTED, NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, VERSION, attr, command, daemon, dest,
    service,
};
use crate::{
    base::{Family, Forward, Protocol, TunnelChecksum, TunnelKind, lvs::service_flags},
    ipvs::{
        DaemonRole, SyncDaemon, Timeouts,
        plan::Step,
        table::{Destination, DestinationKey, Mask, Service, ServiceKey},
    },
};
use std::net::IpAddr;

/// What a message carries besides its content.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    /// The family's id of the day, from [`family_request`].
    pub family: u16,
    pub sequence: u32,
}

const WRITE: u16 = NLM_F_REQUEST | NLM_F_ACK;
const DUMP: u16 = NLM_F_REQUEST | NLM_F_DUMP;

/// Asks the controller for the id of the family `IPVS`. Unprivileged; makes the kernel load the
/// module where it knows the alias (5.16).
pub fn family_request(sequence: u32, out: &mut Vec<u8>) {
    message(
        Header { family: GENL_ID_CTRL, sequence },
        NLM_F_REQUEST,
        CTRL_CMD_GETFAMILY,
        out,
        |out| {
            string(out, CTRL_ATTR_FAMILY_NAME, FAMILY_NAME);
        },
    );
}

/// Makes the kernel answer this message only if it refuses it.
pub fn only_refusal(message: &mut [u8]) {
    // struct nlmsghdr: length (4), type (2), flags (2), in the machine's order.
    if let Some([low, high]) = message.get_mut(6..8) {
        let flags = u16::from_ne_bytes([*low, *high]) & !NLM_F_ACK;
        [*low, *high] = flags.to_ne_bytes();
    }
}

/// One step as one message that asks for an acknowledgement.
pub fn step(header: Header, step: &Step, out: &mut Vec<u8>) {
    use command::{DEL_DEST, DEL_SERVICE, NEW_DEST, NEW_SERVICE, SET_DEST, SET_SERVICE};
    let (command, key) = match step {
        Step::AddService { key, .. } => (NEW_SERVICE, key),
        Step::EditService { key, .. } => (SET_SERVICE, key),
        Step::DeleteService { key } => (DEL_SERVICE, key),
        Step::AddDestination { service, .. } => (NEW_DEST, service),
        Step::EditDestination { service, .. } => (SET_DEST, service),
        Step::DeleteDestination { service, .. } => (DEL_DEST, service),
    };
    message(header, WRITE, command, out, |out| match step {
        Step::AddService { key, service } | Step::EditService { key, service } => {
            nest(out, attr::SERVICE, |out| {
                service_key(out, key);
                service_settings(out, key.family(), service);
            });
        }
        Step::DeleteService { key } => nest(out, attr::SERVICE, |out| service_key(out, key)),
        Step::AddDestination { at, destination, .. }
        | Step::EditDestination { at, destination, .. } => {
            nest(out, attr::SERVICE, |out| service_key(out, key));
            nest(out, attr::DEST, |out| {
                destination_key(out, key.family(), at);
                destination_settings(out, destination);
            });
        }
        Step::DeleteDestination { at, .. } => {
            nest(out, attr::SERVICE, |out| service_key(out, key));
            nest(out, attr::DEST, |out| destination_key(out, key.family(), at));
        }
    });
}

pub fn services_dump(header: Header, out: &mut Vec<u8>) {
    message(header, DUMP, command::GET_SERVICE, out, |_| ());
}

/// The destinations of one service: an empty dump also where there is no such service.
pub fn destinations_dump(header: Header, of: &ServiceKey, out: &mut Vec<u8>) {
    message(header, DUMP, command::GET_DEST, out, |out| {
        nest(out, attr::SERVICE, |out| service_key(out, of));
    });
}

pub fn daemons_dump(header: Header, out: &mut Vec<u8>) {
    message(header, DUMP, command::GET_DAEMON, out, |_| ());
}

pub fn flush(header: Header, out: &mut Vec<u8>) {
    message(header, WRITE, command::FLUSH, out, |_| ());
}

pub fn timeouts_request(header: Header, out: &mut Vec<u8>) {
    message(header, WRITE, command::GET_CONFIG, out, |_| ());
}

pub fn set_timeouts(header: Header, timeouts: Timeouts, out: &mut Vec<u8>) {
    message(header, WRITE, command::SET_CONFIG, out, |out| {
        u32_(out, attr::TIMEOUT_TCP, timeouts.tcp);
        u32_(out, attr::TIMEOUT_TCP_FIN, timeouts.tcp_fin);
        u32_(out, attr::TIMEOUT_UDP, timeouts.udp);
    });
}

pub fn start_daemon(header: Header, wanted: &SyncDaemon, out: &mut Vec<u8>) {
    message(header, WRITE, command::NEW_DAEMON, out, |out| {
        nest(out, attr::DAEMON, |out| {
            u32_(out, daemon::STATE, wanted.role.number());
            string(out, daemon::MCAST_IFN, &wanted.interface);
            u32_(out, daemon::SYNC_ID, wanted.id.into());
            if let Some(length) = wanted.max_length {
                attribute(out, daemon::SYNC_MAXLEN, &length.to_ne_bytes());
            }
            // Native byte order, unlike every other port.
            if let Some(port) = wanted.port {
                attribute(out, daemon::MCAST_PORT, &port.to_ne_bytes());
            }
            if let Some(ttl) = wanted.ttl {
                attribute(out, daemon::MCAST_TTL, &[ttl]);
            }
            match wanted.group {
                Some(IpAddr::V4(group)) => attribute(out, daemon::MCAST_GROUP, &group.octets()),
                Some(IpAddr::V6(group)) => attribute(out, daemon::MCAST_GROUP6, &group.octets()),
                None => {}
            }
        });
    });
}

pub fn stop_daemon(header: Header, role: DaemonRole, out: &mut Vec<u8>) {
    message(header, WRITE, command::DEL_DAEMON, out, |out| {
        nest(out, attr::DAEMON, |out| u32_(out, daemon::STATE, role.number()));
    });
}

fn service_key(out: &mut Vec<u8>, key: &ServiceKey) {
    u16_(out, service::AF, family_number(key.family()));
    match key {
        ServiceKey::Address { protocol, ip, port } => {
            u16_(out, service::PROTOCOL, Protocol::number(*protocol));
            address(out, service::ADDR, *ip);
            attribute(out, service::PORT, &port.to_be_bytes());
        }
        ServiceKey::Mark { mark, .. } => u32_(out, service::FWMARK, *mark),
    }
}

fn service_settings(out: &mut Vec<u8>, family: Family, wanted: &Service) {
    string(out, service::SCHED_NAME, &wanted.scheduler);
    let (timeout, mask, persistent) = match &wanted.persistence {
        Some(persistence) => (persistence.timeout, persistence.mask, service_flags::PERSISTENT),
        None => (0, Mask::host(family), 0),
    };
    // With every bit in the mask the flags are absolute.
    let flags = (wanted.flags | persistent).to_ne_bytes();
    let mut flags_and_mask = [0xff; 8];
    flags_and_mask.iter_mut().zip(flags).for_each(|(to, from)| *to = from);
    attribute(out, service::FLAGS, &flags_and_mask);
    u32_(out, service::TIMEOUT, timeout);
    match mask {
        Mask::V4(mask) => attribute(out, service::NETMASK, &mask.octets()),
        Mask::V6(length) => u32_(out, service::NETMASK, length.into()),
    }
    if let Some(engine) = wanted.persistence.as_ref().and_then(|p| p.engine.as_deref()) {
        string(out, service::PE_NAME, engine);
    }
}

fn destination_key(out: &mut Vec<u8>, family: Family, at: &DestinationKey) {
    // Only where it says something: kernels before 3.18 do not know it.
    if Family::of(&at.ip) != family {
        u16_(out, dest::ADDR_FAMILY, family_number(Family::of(&at.ip)));
    }
    address(out, dest::ADDR, at.ip);
    attribute(out, dest::PORT, &at.port.to_be_bytes());
}

fn destination_settings(out: &mut Vec<u8>, wanted: &Destination) {
    let method = match wanted.forward {
        Forward::Nat => dest::METHOD_NAT,
        Forward::Tunnel(_) => dest::METHOD_TUNNEL,
        Forward::DirectRoute => dest::METHOD_DIRECT_ROUTE,
    };
    u32_(out, dest::FWD_METHOD, method);
    u32_(out, dest::WEIGHT, wanted.weight);
    if let Forward::Tunnel(tunnel) = wanted.forward {
        // What is left out is 0: plain IPIP, which is all that kernels before 5.3 know.
        match tunnel.kind {
            TunnelKind::Ipip => {}
            TunnelKind::Gue { port } => {
                attribute(out, dest::TUN_TYPE, &[dest::TUN_GUE]);
                attribute(out, dest::TUN_PORT, &port.to_be_bytes());
            }
            TunnelKind::Gre => attribute(out, dest::TUN_TYPE, &[dest::TUN_GRE]),
        }
        match tunnel.checksum {
            TunnelChecksum::None => {}
            TunnelChecksum::Checksum => u16_(out, dest::TUN_FLAGS, dest::TUN_CHECKSUM),
            TunnelChecksum::RemoteChecksum => u16_(out, dest::TUN_FLAGS, dest::TUN_REMOTE_CHECKSUM),
        }
    }
    u32_(out, dest::U_THRESH, wanted.upper);
    u32_(out, dest::L_THRESH, wanted.lower);
}

const fn family_number(family: Family) -> u16 {
    match family {
        Family::V4 => AF_INET,
        Family::V6 => AF_INET6,
    }
}

/// Sixteen bytes for either family, IPv4 in the first four.
fn address(out: &mut Vec<u8>, kind: u16, ip: IpAddr) {
    let mut bytes = [0; 16];
    match ip {
        IpAddr::V4(ip) => bytes.iter_mut().zip(ip.octets()).for_each(|(to, from)| *to = from),
        IpAddr::V6(ip) => bytes = ip.octets(),
    }
    attribute(out, kind, &bytes);
}

fn u16_(out: &mut Vec<u8>, kind: u16, value: u16) {
    attribute(out, kind, &value.to_ne_bytes());
}

fn u32_(out: &mut Vec<u8>, kind: u16, value: u32) {
    attribute(out, kind, &value.to_ne_bytes());
}

/// With its NUL, as the kernel's policy demands.
fn string(out: &mut Vec<u8>, kind: u16, value: &str) {
    let mut bytes = value.as_bytes().to_vec();
    bytes.push(0);
    attribute(out, kind, &bytes);
}

fn attribute(out: &mut Vec<u8>, kind: u16, payload: &[u8]) {
    let start = out.len();
    out.extend_from_slice(&[0; 2]);
    out.extend_from_slice(&kind.to_ne_bytes());
    out.extend_from_slice(payload);
    close(out, start);
}

fn nest(out: &mut Vec<u8>, kind: u16, inside: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; 2]);
    out.extend_from_slice(&(kind | NLA_F_NESTED).to_ne_bytes());
    inside(out);
    close(out, start);
}

/// Writes an attribute's length (without padding) at its start, then pads to four bytes.
fn close(out: &mut Vec<u8>, start: usize) {
    let length = u16::try_from(out.len() - start).unwrap_or(u16::MAX);
    put(out, start, &length.to_ne_bytes());
    while !(out.len() - start).is_multiple_of(4) {
        out.push(0);
    }
}

/// nlmsghdr and genlmsghdr around attributes. The port id 0 stands for "me".
fn message(
    header: Header,
    flags: u16,
    command: u8,
    out: &mut Vec<u8>,
    attributes: impl FnOnce(&mut Vec<u8>),
) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&header.family.to_ne_bytes());
    out.extend_from_slice(&flags.to_ne_bytes());
    out.extend_from_slice(&header.sequence.to_ne_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&[command, VERSION, 0, 0]);
    attributes(out);
    let length = u32::try_from(out.len() - start).unwrap_or(u32::MAX);
    put(out, start, &length.to_ne_bytes());
}

fn put(out: &mut [u8], at: usize, bytes: &[u8]) {
    out.iter_mut().skip(at).zip(bytes).for_each(|(to, from)| *to = *from);
}
