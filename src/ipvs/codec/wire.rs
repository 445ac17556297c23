//! Numbers of the IPVS netlink family (include/uapi/linux/ip_vs.h) and of netlink itself
//! (include/uapi/linux/{netlink,genetlink}.h).

/// Generic netlink's controller, and what is asked of it.
pub(super) const GENL_ID_CTRL: u16 = 16;
pub(super) const CTRL_CMD_GETFAMILY: u8 = 3;
pub(super) const CTRL_ATTR_FAMILY_ID: u16 = 1;
pub(super) const CTRL_ATTR_FAMILY_NAME: u16 = 2;

pub(super) const NLM_F_REQUEST: u16 = 0x1;
pub(super) const NLM_F_ACK: u16 = 0x4;
pub(super) const NLM_F_DUMP: u16 = 0x300;
pub(super) const NLMSG_ERROR: u16 = 2;
pub(super) const NLMSG_DONE: u16 = 3;
pub(super) const NLMSG_OVERRUN: u16 = 4;

pub(super) const NLA_F_NESTED: u16 = 0x8000;
/// Without NESTED and NET_BYTEORDER.
pub(super) const NLA_TYPE_MASK: u16 = 0x3fff;

pub(super) const FAMILY_NAME: &str = "IPVS";
pub(super) const VERSION: u8 = 1;

pub(super) const AF_INET: u16 = 2;
pub(super) const AF_INET6: u16 = 10;

pub(super) mod command {
    pub(in super::super) const NEW_SERVICE: u8 = 1;
    pub(in super::super) const SET_SERVICE: u8 = 2;
    pub(in super::super) const DEL_SERVICE: u8 = 3;
    pub(in super::super) const GET_SERVICE: u8 = 4;
    pub(in super::super) const NEW_DEST: u8 = 5;
    pub(in super::super) const SET_DEST: u8 = 6;
    pub(in super::super) const DEL_DEST: u8 = 7;
    pub(in super::super) const GET_DEST: u8 = 8;
    pub(in super::super) const NEW_DAEMON: u8 = 9;
    pub(in super::super) const DEL_DAEMON: u8 = 10;
    pub(in super::super) const GET_DAEMON: u8 = 11;
    pub(in super::super) const SET_CONFIG: u8 = 12;
    pub(in super::super) const GET_CONFIG: u8 = 13;
    pub(in super::super) const FLUSH: u8 = 17;
}

/// Top level.
pub(super) mod attr {
    pub(in super::super) const SERVICE: u16 = 1;
    pub(in super::super) const DEST: u16 = 2;
    pub(in super::super) const DAEMON: u16 = 3;
    pub(in super::super) const TIMEOUT_TCP: u16 = 4;
    pub(in super::super) const TIMEOUT_TCP_FIN: u16 = 5;
    pub(in super::super) const TIMEOUT_UDP: u16 = 6;
}

pub(super) mod service {
    pub(in super::super) const AF: u16 = 1;
    pub(in super::super) const PROTOCOL: u16 = 2;
    pub(in super::super) const ADDR: u16 = 3;
    pub(in super::super) const PORT: u16 = 4;
    pub(in super::super) const FWMARK: u16 = 5;
    pub(in super::super) const SCHED_NAME: u16 = 6;
    pub(in super::super) const FLAGS: u16 = 7;
    pub(in super::super) const TIMEOUT: u16 = 8;
    pub(in super::super) const NETMASK: u16 = 9;
    pub(in super::super) const STATS: u16 = 10;
    pub(in super::super) const PE_NAME: u16 = 11;
    /// Linux 4.1.
    pub(in super::super) const STATS64: u16 = 12;
}

pub(super) mod dest {
    pub(in super::super) const ADDR: u16 = 1;
    pub(in super::super) const PORT: u16 = 2;
    pub(in super::super) const FWD_METHOD: u16 = 3;
    pub(in super::super) const WEIGHT: u16 = 4;
    pub(in super::super) const U_THRESH: u16 = 5;
    pub(in super::super) const L_THRESH: u16 = 6;
    pub(in super::super) const ACTIVE_CONNS: u16 = 7;
    pub(in super::super) const INACT_CONNS: u16 = 8;
    pub(in super::super) const PERSIST_CONNS: u16 = 9;
    pub(in super::super) const STATS: u16 = 10;
    /// Linux 3.18.
    pub(in super::super) const ADDR_FAMILY: u16 = 11;
    /// Linux 4.1.
    pub(in super::super) const STATS64: u16 = 12;
    /// Linux 5.3, and the two that follow.
    pub(in super::super) const TUN_TYPE: u16 = 13;
    pub(in super::super) const TUN_PORT: u16 = 14;
    pub(in super::super) const TUN_FLAGS: u16 = 15;

    pub(in super::super) const METHOD_MASK: u32 = 7;
    pub(in super::super) const METHOD_NAT: u32 = 0;
    pub(in super::super) const METHOD_TUNNEL: u32 = 2;
    pub(in super::super) const METHOD_DIRECT_ROUTE: u32 = 3;
    pub(in super::super) const TUN_IPIP: u8 = 0;
    pub(in super::super) const TUN_GUE: u8 = 1;
    pub(in super::super) const TUN_GRE: u8 = 2;
    pub(in super::super) const TUN_CHECKSUM: u16 = 1;
    pub(in super::super) const TUN_REMOTE_CHECKSUM: u16 = 2;
}

pub(super) mod daemon {
    pub(in super::super) const STATE: u16 = 1;
    pub(in super::super) const MCAST_IFN: u16 = 2;
    pub(in super::super) const SYNC_ID: u16 = 3;
    /// Linux 4.3, as all that follow.
    pub(in super::super) const SYNC_MAXLEN: u16 = 4;
    pub(in super::super) const MCAST_GROUP: u16 = 5;
    pub(in super::super) const MCAST_GROUP6: u16 = 6;
    pub(in super::super) const MCAST_PORT: u16 = 7;
    pub(in super::super) const MCAST_TTL: u16 = 8;
}
