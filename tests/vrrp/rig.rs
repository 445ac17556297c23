//! One node without a network: it is told things by hand.
use super::lan::instance;
use ldirector::{
    base::{LinkIndex, Prefix},
    config::model::{GlobalDefs, VrrpConfig, VrrpInstance},
    machine::Machine,
    net::{LinkView, NetEvent},
    vrrp::{Action, Event, VrrpNode},
};
use std::{net::IpAddr, time::Instant};

pub(crate) struct Rig {
    pub(crate) node: VrrpNode,
    pub(crate) now: Instant,
}

impl Rig {
    pub(crate) fn new(config: &VrrpConfig, global: &GlobalDefs) -> (Self, Vec<Action>) {
        let now = Instant::now();
        let node = VrrpNode::new(config.clone().into(), global.clone().into(), now);
        let mut rig = Self { node, now };
        let first = rig.node.handle_deadline(now);
        (rig, first)
    }

    /// Started, with its link there.
    pub(crate) fn started(config: &VrrpConfig, global: &GlobalDefs) -> Self {
        let (mut rig, _) = Self::new(config, global);
        rig.net(NetEvent::Links(vec![link(1)]));
        rig
    }

    pub(crate) fn master(config: &VrrpConfig, global: &GlobalDefs) -> Self {
        let mut rig = Self::started(config, global);
        rig.wait();
        assert_eq!(rig.state(), "MASTER");
        rig
    }

    pub(crate) fn net(&mut self, event: NetEvent) -> Vec<Action> {
        self.node.handle(Event::Net(event), self.now)
    }

    pub(crate) fn tell(&mut self, event: Event) -> Vec<Action> {
        self.node.handle(event, self.now)
    }

    pub(crate) fn reload(&mut self, config: &VrrpConfig, global: &GlobalDefs) -> Vec<Action> {
        self.node.handle(Event::Reload(config.clone().into(), global.clone().into()), self.now)
    }

    /// To the next deadline.
    pub(crate) fn wait(&mut self) -> Vec<Action> {
        self.now = self.node.next_deadline().unwrap();
        self.node.handle_deadline(self.now)
    }

    pub(crate) fn state(&self) -> String {
        self.node.status(self.now).instances[0].state.clone()
    }
}

pub(crate) fn one() -> VrrpConfig {
    VrrpConfig { instances: vec![instance("VI_1", 51)], ..VrrpConfig::default() }
}

pub(crate) fn with(change: impl FnOnce(&mut VrrpInstance)) -> VrrpConfig {
    let mut config = one();
    change(&mut config.instances[0]);
    config
}

pub(crate) fn link(index: u32) -> LinkView {
    LinkView {
        index: LinkIndex(index),
        name: "eth0".to_owned(),
        up: true,
        running: true,
        multicast: true,
        noarp: false,
        loopback: false,
        mtu: 1500,
        mac: None,
        addresses: vec![Prefix { address: [10, 0, 0, 5].into(), length: 24 }],
    }
}

pub(crate) fn address(last: u8) -> IpAddr {
    [192, 0, 2, last].into()
}
