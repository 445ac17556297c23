//! Frames between the two ends of a cable; the kernel answers ARP as a real server does.
use super::*;
use crate::net::{
    arp,
    half_open::{Answer, Way},
    io::wire::Wire,
};
use std::net::Ipv4Addr;

async fn ends() -> (LinkView, LinkView) {
    let links = Network::connect().unwrap().links().await.unwrap();
    let link = |name| links.iter().find(|link| link.name == name).unwrap().clone();
    (link("va"), link("vb"))
}

#[test]
fn a_server_answers_arp_for_what_it_has() {
    in_namespace(|| async {
        let (server, us) = ends().await;
        let (its, mac) = (server.mac.unwrap(), us.mac.unwrap());
        let wire = Wire::arp(&us).unwrap();
        for (address, expected) in [("192.0.2.1", Some(its)), ("192.0.2.9", None)] {
            let address: Ipv4Addr = address.parse().unwrap();
            let question = arp::request(mac, Ipv4Addr::UNSPECIFIED, Some(its), address);
            let answer = wire.ask(&question, |frame| arp::reply(frame, mac)).await.unwrap();
            assert_eq!(answer, expected.map(|mac| (mac, address)));
        }
    });
}

#[test]
fn only_what_goes_to_the_port_is_heard() {
    in_namespace(|| async {
        let (near, far) = ends().await;
        let way = Way {
            from_mac: near.mac.unwrap(),
            to_mac: far.mac.unwrap(),
            from: "192.0.2.1:40000".parse().unwrap(),
            to: "192.0.2.2:80".parse().unwrap(),
        };
        let other = Way { to: "192.0.2.2:81".parse().unwrap(), ..way };
        let back = Way { from_mac: way.to_mac, to_mac: way.from_mac, from: way.to, to: way.from };
        let (wire, server) = (Wire::tcp(&near, 40000).unwrap(), Wire::tcp(&far, 80).unwrap());
        wire.send(&other.syn(1).unwrap()).await.unwrap();
        let (syn, reset) = (way.syn(2).unwrap(), back.reset(0).unwrap());
        let (said, heard) = tokio::join!(
            wire.ask(&syn, |frame| way.answer(frame)),
            server.ask(&reset, |frame| Some(frame.to_vec())),
        );
        assert_eq!(heard.unwrap().unwrap(), syn, "not the one to port 81");
        assert_eq!(said.unwrap(), Some(Answer::Refused));
    });
}
