//! Asks real servers of LVS-DR for the virtual address, at their MAC address: whoever else holds it,
//! this machine among them, neither hears nor answers.
use super::Probe;
use crate::{
    base::{Family, Prefix},
    config::{Config, look::Topic, model::DirectorConfig},
    net::{
        LinkView,
        half_open::{Answer, Way},
        io::{
            Network,
            wire::{Wire, WireError},
        },
        neighbour::{answer, question},
    },
    probe::{
        Found,
        addresses::{Carried, Said, carried, left_out, virtual_addresses},
    },
};
use futures_util::future::try_join_all;
use socket2::{Domain, SockAddr, Socket, Type};
use std::{
    hash::{BuildHasher, Hasher, RandomState},
    io::{self, ErrorKind},
    net::{IpAddr, SocketAddr},
    rc::Rc,
    sync::Arc,
};
use tokio::sync::OnceCell;

/// The links of this machine, listed once.
type Links = Rc<OnceCell<Result<Vec<LinkView>, String>>>;

pub(super) fn probes(config: &Config) -> Vec<Probe> {
    let links = Links::default();
    let one = |carried: Carried| {
        let (links, director) = (Rc::clone(&links), Arc::clone(&config.director));
        let subject = carried.subject();
        Probe::new(Topic::Address, subject, async move {
            look(&carried, &links, &director).await.unwrap_or_else(|why| carried.unknown(&why))
        })
    };
    let mut all: Vec<Probe> = carried(&config.director).into_iter().map(one).collect();
    let left_out = left_out(&config.director);
    if !left_out.looks.is_empty() {
        all.push(Probe::new(Topic::Address, "virtual_server", async { left_out }));
    }
    all
}

/// # Errors
/// Why it could not be looked at.
async fn look(
    carried: &Carried,
    links: &OnceCell<Result<Vec<LinkView>, String>>,
    director: &DirectorConfig,
) -> Result<Found, String> {
    let Carried { server, address, .. } = *carried;
    let links = links.get_or_init(list).await.as_ref().map_err(Clone::clone)?;
    if links.iter().any(|link| link.has(server)) {
        return Err("the server is this machine".to_owned());
    }
    let Some((link, own)) = neighbour(links, server, director) else {
        return Ok(carried.far());
    };
    let mac = link.mac.ok_or_else(|| format!("{} is no Ethernet", link.name))?;
    let ask = |to, wanted| {
        question(mac, own, to, wanted).ok_or("server and address are of two families".to_owned())
    };
    let wire = Wire::neighbours(link, Family::of(&server)).map_err(|error| words(&error))?;
    let question = ask(None, server)?;
    let asked = wire.ask(&question, |frame| answer(frame, mac).filter(|(_, ip)| *ip == server));
    let Some((to_mac, _)) = asked.await.map_err(|error| words(&error))? else {
        let protocol = carried.protocol();
        return Err(format!("the server does not answer {protocol} for its own address"));
    };
    let question = ask(Some(to_mac), address)?;
    // Others may be answering other probes meanwhile.
    let leaks = wire
        .ask(&question, |frame| answer(frame, mac).filter(|answer| *answer == (to_mac, address)));
    let way = |to: IpAddr, port| Way {
        from_mac: mac,
        to_mac,
        from: SocketAddr::new(own, 0),
        to: SocketAddr::new(to, port),
    };
    let ports = try_join_all(carried.ports.iter().map(async |port| {
        let said = half_open(link, way(address, port.service)).await?;
        let own = match said {
            Some(Answer::Accepted { .. }) => None,
            Some(Answer::Refused) | None => half_open(link, way(server, port.server)).await?,
        };
        Ok(Said { port: *port, address: said, own })
    }));
    let (leaks, said) = tokio::try_join!(leaks, ports).map_err(|error| words(&error))?;
    Ok(carried.judge(leaks.is_some(), &said))
}

async fn list() -> Result<Vec<LinkView>, String> {
    let network = Network::connect().map_err(|error| error.to_string())?;
    network.links().await.map_err(|error| error.to_string())
}

/// The link on which a server is, and an address of ours there that servers do not carry too.
fn neighbour<'l>(
    links: &'l [LinkView],
    server: IpAddr,
    director: &DirectorConfig,
) -> Option<(&'l LinkView, IpAddr)> {
    let ours = |prefix: &&Prefix| {
        prefix.contains(server) && virtual_addresses(director).all(|ip| ip != prefix.address)
    };
    let links = links.iter().filter(|link| !link.loopback && link.is_usable());
    links.filter_map(|link| Some((link, link.addresses.iter().find(ours)?.address))).next()
}

/// Asks for a connection and takes the question back. Nothing else uses our port meanwhile; our
/// kernel knows of no connection from it, and may say so with a RST of its own, to whoever holds
/// the address by ARP.
async fn half_open(link: &LinkView, way: Way) -> Result<Option<Answer>, WireError> {
    let wrap =
        |source| WireError { operation: "reserve a port", interface: link.name.clone(), source };
    let (_reserved, from) = reserve(way.from).map_err(wrap)?;
    let way = Way { from, ..way };
    let wire = Wire::tcp(link, Family::of(&from.ip()), from.port())?;
    let Some(syn) = way.syn(sequence()) else { return Ok(None) };
    let said = wire.ask(&syn, |frame| way.answer(frame)).await?;
    if let Some(Answer::Accepted { next }) = said
        && let Some(reset) = way.reset(next)
    {
        wire.send(&reset).await?;
    }
    Ok(said)
}

/// A port of ours that nobody uses while the socket is there.
fn reserve(from: SocketAddr) -> io::Result<(Socket, SocketAddr)> {
    let socket = Socket::new(Domain::for_address(from), Type::STREAM, None)?;
    socket.bind(&SockAddr::from(from))?;
    let bound = socket.local_addr()?.as_socket();
    Ok((socket, bound.ok_or(ErrorKind::AddrNotAvailable)?))
}

/// Another one each time: servers remember connections for a while.
fn sequence() -> u32 {
    let [a, b, c, d, ..] = RandomState::new().build_hasher().finish().to_ne_bytes();
    u32::from_ne_bytes([a, b, c, d])
}

fn words(error: &WireError) -> String {
    if error.source.kind() == ErrorKind::PermissionDenied {
        "this takes root (CAP_NET_RAW)".to_owned()
    } else {
        error.to_string()
    }
}
