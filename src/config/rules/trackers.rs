//! Findings about tracked files and processes, and BFD sessions.
super::rules! {
    TRACKER_TWICE = warning(801, "there are two {block}s called {name}; the first is used", "give each its own name");
    TRACKER_UNKNOWN = error(802, "there is no {block} `{name}`: nothing is guarded by it", "define it with `{block} {name} {{ ... }}`");
    TRACKER_UNKNOWN_NEAR = error(803, "there is no {block} `{name}`: nothing is guarded by it", "did you mean `{near}`?");
    FILE_MISSING = error(804, "track_file {name} has no file", "add `file \"/path/to/file\"`");
    INIT_FILE_WORD = error(805, "`{word}` is not an option of init_file", "write `init_file`, `init_file 5` or `init_file 5 overwrite`");
    TRACK_BAD_FACTOR = error(806, "`{word}` is not a weight of a file", "weights of files are whole numbers from -254 to 254");
    FILE_WEIGHT_DROPPED = warning(807, "track_file {name}: weights do not count {where}; any number but 0 in it means FAULT", "say `weight 0` where that is meant");
    PROCESS_MISSING = error(808, "vrrp_track_process {name} has no process", "add `process NAME`");
    PROCESS_NAME = warning(809, "no process is called `{process}`: the kernel keeps 15 bytes of a name and no directories", "write the name as `ps -o comm` shows it, or add `full_command`");
    PROCESS_QUORUM = error(810, "quorum {least} is over quorum_max {most}", "at least as many must be allowed as are needed");
    BFD_NAME_LONG = warning(811, "keepalived takes no name of a bfd_instance that is longer than 31 bytes: {name}", "choose a shorter one");
    BFD_INTERVAL = error(812, "{value} is not an interval for {word}", "{word} takes milliseconds from {least} to {most}");
    BFD_NO_NEIGHBOUR = error(813, "bfd_instance {name} has no neighbor_ip", "add `neighbor_ip ADDRESS`");
    BFD_SAME_NEIGHBOUR = error(814, "bfd_instance {name} is a second session with {address}; it is ignored", "two hosts need one session only");
    BFD_FAMILY = error(815, "source_ip {source} and neighbor_ip {neighbour} are of different address families", "use two IPv4 or two IPv6 addresses");
    BFD_NOT_TOLD = error(816, "bfd_instance {name} tells {who} nothing: this is not guarded by it", "remove `{other}` from it, or add `{needed}`");
}
