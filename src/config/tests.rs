//! The reader as a whole: what a text means, and what is said about it.
use super::{Config, diagnostic::Severity, parse, source::Sources};

fn read(text: &str) -> (Config, Vec<u16>) {
    let (config, found) = parse(&Sources::from_text("test.conf", text));
    let errors = found.iter().filter(|f| f.rule.severity != Severity::Note);
    let codes = errors.map(|f| f.rule.code).collect();
    (config, codes)
}

/// VRIDs and states say which instances a text makes.
fn vrids(text: &str) -> Vec<u8> {
    let (config, codes) = read(text);
    assert_eq!(codes, Vec::<u16>::new(), "{text}");
    config.vrrp.instances.iter().map(|instance| instance.vrid.value.0).collect()
}

const INSTANCE: &str = "$VI= \\\nvrrp_instance VI_${N} { \\\n interface eth0 \\\n # of all \\\n\
                        virtual_router_id ${N} \\\n no_virtual_ipaddress \\\n}\n";

#[test]
fn a_loop_gives_its_variable_to_the_parameters_in_it() {
    assert_eq!(vrids(&format!("{INSTANCE}~SEQ(N, 3) $VI\n")), [1, 2, 3]);
    assert_eq!(vrids(&format!("{INSTANCE}~LST(N, 7, 9) $VI\n")), [7, 9]);
    // Twice the same variable: it ended with the first loop.
    assert_eq!(vrids(&format!("{INSTANCE}~SEQ(N, 2) $VI\n~SEQ(N, 5, 6) $VI\n")), [1, 2, 5, 6]);
}

#[test]
fn bounds_of_a_loop_may_be_parameters() {
    let text = format!("{INSTANCE}$FIRST=4\n$LAST=6\n~SEQ(N, $FIRST, ${{LAST}}) $VI\n");
    assert_eq!(vrids(&text), [4, 5, 6]);
}

#[test]
fn comment_lines_do_not_end_a_definition() {
    assert_eq!(vrids(&format!("{INSTANCE}$N=8\n$VI\n")), [8]);
}

#[test]
fn a_path_with_two_slashes_is_no_comment() {
    let (config, codes) = read(
        "vrrp_instance A {\ninterface eth0\nvirtual_router_id 1\nno_virtual_ipaddress\n\
              notify //usr/bin/true\n}\n",
    );
    assert_eq!(codes, Vec::<u16>::new());
    let script = config.vrrp.instances[0].notify.any.as_ref().map(|script| script.argv.clone());
    assert_eq!(script, Some(vec!["//usr/bin/true".to_owned()]));
}

#[test]
fn a_named_track_file_is_a_block_of_its_own() {
    let (_, codes) = read("global_defs {\n  router_id a\n      }\ntrack_file T {\n file /a\n}\n");
    assert_eq!(codes, Vec::<u16>::new(), "no misplaced brace");
}

/// Parameters that contain each other double with every use; whatever they would make, reading
/// ends soon and says why.
#[test]
fn what_never_stops_growing_is_an_error() {
    for text in [
        "$A=$B x $B\n$B=$A y $A\n$A\n",
        "$A=$A $A\n$A\n",
        "$A= \\\n$A \\\n$A\n$A\n",
        "$A= \\\n$B \\\n$B\n$B= \\\n$A \\\n$A\n$A\n",
    ] {
        let (_, codes) = read(text);
        assert!(codes.contains(&142) || codes.contains(&150), "{text}: {codes:?}");
        assert_eq!(codes.len(), 1, "{text}: {codes:?}");
    }
    let long = "x".repeat(60_000);
    let (_, codes) = read(&format!("~SEQ(I, 1, 99999) router_id {long}\n"));
    assert_eq!(codes, [144]);
}

/// Without indentation a line tells by its keyword where it belongs.
#[test]
fn a_missing_brace_is_found_without_indentation() {
    let good = "vrrp_instance A {\ninterface eth0\nvirtual_router_id 7\nvirtual_ipaddress {\n\
                192.0.2.80/24\n}\n}\nvirtual_server 192.0.2.80 80 {\nlb_algo rr\nlb_kind DR\n\
                protocol TCP\nreal_server 192.0.2.11 80 {\nTCP_CHECK {\n}\n}\n}\n";
    assert_eq!(read(good).1, Vec::<u16>::new());
    for head in ["vrrp_instance A", "virtual_ipaddress", "virtual_server 192.0.2.80 80"] {
        let (config, codes) = read(&good.replace(&format!("{head} {{"), head));
        assert_eq!(codes, [138], "{head}");
        assert_eq!(config.vrrp.instances.len(), 1, "{head}");
        assert_eq!(config.director.virtual_servers.len(), 1, "{head}");
    }
    // What follows does not belong in it.
    assert_eq!(read(&format!("vrrp_script chk\n{good}")).1, [106]);
}
