//! Frames between the two ends of a cable; the kernel answers as a real server does.
use super::*;
use crate::{
    base::Family,
    net::{
        half_open::{Answer, Way},
        io::wire::Wire,
        neighbour,
    },
};
use std::net::{IpAddr, SocketAddr};

async fn ends() -> (LinkView, LinkView) {
    let links = Network::connect().unwrap().links().await.unwrap();
    let link = |name| links.iter().find(|link| link.name == name).unwrap().clone();
    (link("va"), link("vb"))
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// The link-local address that the kernel gives an interface once it is up.
async fn link_local(of: &str) -> IpAddr {
    loop {
        let links = Network::connect().unwrap().links().await.unwrap();
        let link = links.iter().find(|link| link.name == of).unwrap();
        match link.addresses.iter().find(|prefix| prefix.address.is_ipv6()) {
            Some(found) => return found.address,
            None => tokio::task::yield_now().await,
        }
    }
}

#[test]
fn a_server_answers_for_what_it_has() {
    in_namespace(|| async {
        let (server, us) = ends().await;
        let (its, mac) = (server.mac.unwrap(), us.mac.unwrap());
        let (ours, local) = (link_local("vb").await, link_local("va").await);
        for (own, address, expected) in [
            (ip("192.0.2.2"), ip("192.0.2.1"), Some(its)),
            (ip("192.0.2.2"), ip("192.0.2.9"), None),
            (ours, local, Some(its)),
            (ours, ip("fe80::9"), None),
        ] {
            let wire = Wire::neighbours(&us, Family::of(&address)).unwrap();
            for to in [None, Some(its)] {
                let question = neighbour::question(mac, own, to, address).unwrap();
                let said = wire.ask(&question, |frame| neighbour::answer(frame, mac));
                assert_eq!(said.await.unwrap(), expected.map(|mac| (mac, address)), "{to:?}");
            }
        }
    });
}

#[test]
fn only_what_goes_to_the_port_is_heard() {
    in_namespace(|| async {
        let (near, far) = ends().await;
        for (from, to) in [(ip("192.0.2.1"), ip("192.0.2.2")), (ip("fd00::1"), ip("fd00::2"))] {
            let way = Way {
                from_mac: near.mac.unwrap(),
                to_mac: far.mac.unwrap(),
                from: SocketAddr::new(from, 40000),
                to: SocketAddr::new(to, 80),
            };
            let other = Way { to: SocketAddr::new(to, 81), ..way };
            let back =
                Way { from_mac: way.to_mac, to_mac: way.from_mac, from: way.to, to: way.from };
            let wire = |link, port| Wire::tcp(link, Family::of(&to), port).unwrap();
            let (wire, server) = (wire(&near, 40000), wire(&far, 80));
            wire.send(&other.syn(1).unwrap()).await.unwrap();
            let (syn, reset) = (way.syn(2).unwrap(), back.reset(0).unwrap());
            let (said, heard) = tokio::join!(
                wire.ask(&syn, |frame| way.answer(frame)),
                server.ask(&reset, |frame| Some(frame.to_vec())),
            );
            assert_eq!(heard.unwrap().unwrap(), syn, "not the one to port 81");
            assert_eq!(said.unwrap(), Some(Answer::Refused));
        }
    });
}
