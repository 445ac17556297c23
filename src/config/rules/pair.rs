//! Findings about directors that are to work together. `{file}` is the other one's.
super::rules! {
    VRID = error(901, "{name} has virtual_router_id {here}, but {there} in {file}", "routers that share {address} need the same id, or all of them hold it");
    INTERVAL = error(902, "advert_int is {here} s, but {there} s in {file}", "version 2 drops adverts of another interval, and both become MASTER: write the same one");
    INTERVAL_LEARNED = warning(903, "advert_int is {here} s, but {there} s in {file}", "version 3 goes by the interval of whoever is MASTER, so a failure is noticed sooner or later, depending on who that is: write the same one");
    VERSION = error(904, "{name} speaks VRRP version {here}, but {there} in {file}", "write the same `version` on all routers: adverts of the other one do not count, and both become MASTER");
    AUTHENTICATION = error(905, "the authentication of {name} differs from that in {file}", "write the same `authentication` on all routers: adverts with another one do not count, and both become MASTER");
    ADDRESSES = error(906, "{name} has other virtual addresses than in {file}: only here {here}, only there {there}", "list the same addresses on all routers: what only one has goes down with it");
    ORDER = warning(907, "{name} lists its virtual addresses in another order than in {file}", "write them in the same order: it is what adverts are compared by");
    SAME_PRIORITY = warning(908, "{name} has priority {priority}, and so it has in {file}: the greater IP address decides who is MASTER", "give the router that is to be MASTER the higher priority");
    TWO_OWNERS = error(909, "{name} has priority 255, and so it has in {file}: neither gives way to the other", "lower one of the two");
    PEER_MISSING = error(910, "{address}, where adverts of {file} come from, is not among the unicast_peers of {name}", "add it: a router that does not get our adverts becomes MASTER beside us");
    CASTS_DIFFER = error(911, "{name} sends by {here}, but in {file} by {there}", "either give all routers their unicast_peers, or none of them");
    ALONE = warning(912, "{name} has no partner in {file}", "nobody takes its addresses when this router fails; correct virtual_router_id or the addresses, or add it there");
    SERVICE_ALONE = warning(913, "{service} is not in {file}", "after a failover nobody serves it: add it there");
    SERVICE_DIFFERS = warning(914, "{service} differs from the one in {file}: {what}", "after a failover clients would meet another service: write the same in both");
    NOPREEMPT_LOWER = warning(915, "nopreempt of {name} does nothing beside the higher priority {there} in {file}", "only the router of the highest priority can take the addresses back: write it there");
    SAME_ROUTER_ID = note(916, "router_id is {id}, and so it is in {file}", "their mails and log lines cannot be told apart: give each its own");
    BOTH_MASTER = note(917, "{name} begins as MASTER, and so it does in {file}", "the priority decides in the end; write `state BACKUP` on the one of lower priority");
    NOBODY = error(918, "nobody holds {address} with {failing} failing, though {able} could", "whoever is to take over has to hear of it: track what carries the address");
    TWO_HOLD = error(919, "{holders} all hold {address} with {failing} failing", "each takes the other for dead: their adverts do not reach each other, or do not count");
    STAYS = warning(920, "{address} stays here when {script} fails: {before} becomes {after}, and {other} has only {theirs}", "make the weight of {script} greater than the difference of the priorities, which is {gap}, or 0: then its failure is a fault");
    STAYS_NOPREEMPT = warning(921, "{address} stays here when {script} fails, as {other} has nopreempt: it lets a router of lower priority go on", "remove nopreempt there, or write the weight 0 for {script}: then its failure is a fault");
}
