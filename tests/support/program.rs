//! Running the program, with files of its own.
#![allow(dead_code, reason = "each test uses what it needs")]
use std::{
    fs,
    path::PathBuf,
    process::{Command, Output, Stdio},
};
use tempfile::TempDir;

pub(crate) const GOOD: &str = "\
global_defs {
    router_id proxy1
}
vrrp_instance VI_1 {
    state MASTER
    interface eth0
    virtual_router_id 77
    priority 100
    advert_int 1
    authentication {
        auth_type PASS
        auth_pass k7Qz_w2e
    }
    virtual_ipaddress {
        192.168.4.80/24
    }
}
virtual_server 192.168.4.80 80 {
    delay_loop 6
    lb_algo wrr
    lb_kind DR
    protocol TCP
    real_server 192.168.4.100 80 {
        weight 1
        TCP_CHECK {
            connect_timeout 3
            retry 3
        }
    }
}
";

/// What a run of the program left.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// Codes of the findings, in the order of the text: `LD0102`.
    pub(crate) fn codes(&self) -> Vec<&str> {
        self.err
            .lines()
            .filter_map(|line| line.split_once('[')?.1.split_once("]: "))
            .map(|(code, _)| code)
            .collect()
    }
}

pub(crate) fn ran(output: Output) -> Ran {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

pub(crate) fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ldirector"));
    command.args(arguments).stdin(Stdio::null()).env_remove("LDIRECTOR_LOG");
    command.env("NO_COLOR", "1").env("LC_ALL", "C");
    command
}

pub(crate) fn run(arguments: &[&str]) -> Ran {
    ran(program(arguments).output().unwrap())
}

/// A folder with files of its own.
pub(crate) struct Files(TempDir);

impl Files {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn name(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        fs::write(self.path(name), text).unwrap();
        self.name(name)
    }
}

/// `check` of one text.
pub(crate) fn check(text: impl AsRef<[u8]>) -> Ran {
    let files = Files::new();
    run(&["check", &files.write("a.conf", text)])
}
