//! What `check --probe` finds on this machine (LD100x to LD104x) and on real servers (LD105x on).
super::rules! {
    NOT_LOOKED = error(1000, "this machine could not be looked at: {why}", "");
    INTERFACE_ABSENT = error(1001, "there is no interface `{name}` on this machine", "it has {present}; `ip link` shows them");
}
