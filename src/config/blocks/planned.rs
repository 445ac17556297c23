//! Blocks that are known and skipped whole until they work: their keywords, for lists and
//! suggestions.
use crate::config::keyword::{
    BlockInfo, Keyword, Support,
    Takes::{self, Nothing, One, OptionalBool, UpTo1, Words},
    describe, not_yet,
};

type Row = Keyword<()>;

const fn row(names: &'static [&'static str], takes: Takes, doc: &'static str) -> Row {
    not_yet(names, takes).support(Support::NotYet("its block is planned")).doc(doc)
}

static TRACK_PROCESS: &[Row] = &[
    row(&["process"], Words(1, 64, "COMMAND [PARAMETER...]"), "what must run"),
    row(&["param_match"], UpTo1("initial|partial"), "how parameters are compared"),
    row(&["weight"], Words(1, 2, "WEIGHT [reverse]"), "what it adds to the priority")
        .default("0")
        .range("-254..254"),
    row(&["quorum"], One("COUNT"), "how many must run").default("1").range("1..65535"),
    row(&["quorum_max"], One("COUNT"), "how many may run").range("0..65535"),
    row(&["fork_delay"], One("SECONDS"), "until a new one counts").default("0"),
    row(&["terminate_delay"], One("SECONDS"), "until a lost one counts").default("0"),
    row(&["delay"], One("SECONDS"), "both delays").default("0"),
    row(&["full_command"], Nothing, "compare the whole command line"),
];

static TRACK_FILE: &[Row] = &[
    row(&["file"], One("PATH"), "the file that holds a number"),
    row(&["weight"], Words(1, 2, "WEIGHT [reverse]"), "factor of the number")
        .default("1")
        .range("-254..254"),
    row(&["init_file"], Words(0, 2, "[VALUE] [overwrite]"), "create the file at start"),
];

static BFD_INSTANCE: &[Row] = &[
    row(&["neighbor_ip"], One("ADDRESS"), "the other end"),
    row(&["source_ip"], One("ADDRESS"), "this end"),
    row(&["min_rx"], One("MILLISECONDS"), "shortest interval to receive").default("10"),
    row(&["min_tx"], One("MILLISECONDS"), "shortest interval to send").default("10"),
    row(&["idle_tx"], One("MILLISECONDS"), "interval while down").default("1000"),
    row(&["multiplier"], One("COUNT"), "missed packets until down").default("5").range("1..255"),
    row(&["passive"], Nothing, "wait for the other end"),
    row(&["ttl", "hoplimit"], One("TTL"), "of sent packets").default("255, 64").range("1..255"),
    row(&["max_hops"], One("COUNT"), "of received packets").default("0").range("-1..255"),
    row(&["multihop"], OptionalBool, "other port, more hops").default("off"),
    row(&["weight"], Words(1, 2, "WEIGHT [reverse]"), "what it adds to the priority")
        .default("0")
        .range("-253..253"),
    row(&["vrrp"], Nothing, "VRRP hears of it"),
    row(&["checker"], Nothing, "checkers hear of it"),
];

/// All blocks of this file.
pub(super) fn blocks() -> [BlockInfo; 3] {
    [
        BlockInfo { name: "vrrp_track_process", keywords: || describe(TRACK_PROCESS) },
        BlockInfo { name: "track_file", keywords: || describe(TRACK_FILE) },
        BlockInfo { name: "bfd_instance", keywords: || describe(BFD_INSTANCE) },
    ]
}
