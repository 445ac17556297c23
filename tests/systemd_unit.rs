//! The unit file is for every systemd from 219 (RHEL 7) on: it has no word that this one does not
//! know, for that is a warning in the log of every start.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test reads the project's files; one that is missing fails it"
)]

/// Settings of systemd.unit(5) and systemd.install(5) in version 219, besides conditions.
const UNIT: &str = "Description Documentation SourcePath Requires RequiresOverridable Requisite \
    RequisiteOverridable Wants BindsTo Conflicts Before After OnFailure PropagatesReloadTo \
    ReloadPropagatedFrom PartOf JoinsNamespaceOf RequiresMountsFor StopWhenUnneeded \
    RefuseManualStart RefuseManualStop AllowIsolate DefaultDependencies OnFailureJobMode \
    IgnoreOnIsolate IgnoreOnSnapshot JobTimeoutSec JobTimeoutAction JobTimeoutRebootArgument";
const INSTALL: &str = "Alias WantedBy RequiredBy Also DefaultInstance";

/// Settings of systemd.service(5), systemd.exec(5), systemd.kill(5) and
/// systemd.resource-control(5) in version 219.
const SERVICE: &str = "PIDFile ExecStartPre ExecStart ExecStartPost ExecReload ExecStop \
    ExecStopPost RestartSec TimeoutSec TimeoutStartSec TimeoutStopSec WatchdogSec \
    StartLimitInterval StartLimitBurst StartLimitAction RebootArgument FailureAction Type Restart \
    PermissionsStartOnly RootDirectoryStartOnly RemainAfterExit GuessMainPID \
    RestartPreventExitStatus RestartForceExitStatus SuccessExitStatus NonBlocking BusName \
    FileDescriptorStoreMax NotifyAccess Sockets WorkingDirectory RootDirectory User Group \
    SupplementaryGroups Nice OOMScoreAdjust IOSchedulingClass IOSchedulingPriority \
    CPUSchedulingPolicy CPUSchedulingPriority CPUSchedulingResetOnFork CPUAffinity UMask \
    Environment EnvironmentFile StandardInput StandardOutput StandardError TTYPath TTYReset \
    TTYVHangup TTYVTDisallocate SyslogIdentifier SyslogFacility SyslogLevel SyslogLevelPrefix \
    Capabilities SecureBits CapabilityBoundingSet TimerSlackNSec NoNewPrivileges SystemCallFilter \
    SystemCallArchitectures SystemCallErrorNumber RestrictAddressFamilies LimitCPU LimitFSIZE \
    LimitDATA LimitSTACK LimitCORE LimitRSS LimitNOFILE LimitAS LimitNPROC LimitMEMLOCK LimitLOCKS \
    LimitSIGPENDING LimitMSGQUEUE LimitNICE LimitRTPRIO LimitRTTIME ReadWriteDirectories \
    ReadOnlyDirectories InaccessibleDirectories PrivateTmp PrivateNetwork PrivateDevices \
    ProtectSystem ProtectHome MountFlags Personality RuntimeDirectoryMode RuntimeDirectory PAMName \
    IgnoreSIGPIPE UtmpIdentifier SELinuxContext AppArmorProfile SmackProcessLabel SendSIGKILL \
    SendSIGHUP KillMode KillSignal Slice CPUAccounting CPUShares StartupCPUShares CPUQuota \
    MemoryAccounting MemoryLimit DeviceAllow DevicePolicy BlockIOAccounting BlockIOWeight \
    StartupBlockIOWeight BlockIODeviceWeight BlockIOReadBandwidth BlockIOWriteBandwidth Delegate";

/// (section, setting, value) of each line.
fn settings(file: &str) -> Vec<(String, String, String)> {
    let path = format!("{}/scripts/package/systemd/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let mut section = String::new();
    let mut found = vec![];
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']').to_owned();
        } else {
            let (setting, value) = line.split_once('=').unwrap();
            found.push((section.clone(), setting.to_owned(), value.to_owned()));
        }
    }
    found
}

fn known(section: &str, setting: &str) -> bool {
    let words = match section {
        "Unit" => UNIT,
        "Service" => SERVICE,
        "Install" => INSTALL,
        other => panic!("section {other}"),
    };
    words.split_ascii_whitespace().any(|word| word == setting)
}

#[test]
fn systemd_219_knows_every_setting_of_the_unit() {
    let unit = settings("ldirector.service");
    assert!(unit.len() > 20);
    for (section, setting, value) in &unit {
        assert!(
            known(section, setting),
            "{setting}= is newer than 219: hardening.conf is for that"
        );
        // Other prefixes came with 231 and later.
        let program = value.trim_start_matches(['-', '@']);
        let absolute = !setting.starts_with("Exec") || program.starts_with("/usr/sbin/ldirector ");
        assert!(absolute, "{setting}={value}");
    }
    let value = |wanted: &str| {
        let found = unit.iter().find(|(_, setting, _)| setting == wanted);
        found.map(|(.., value)| value.as_str()).unwrap_or_default()
    };
    assert_eq!(value("Type"), "notify");
    assert_eq!(value("KillMode"), "control-group");
    assert_eq!(value("Conflicts"), "keepalived.service");
}

#[test]
fn the_drop_in_has_what_is_newer() {
    let newer: Vec<_> = settings("hardening.conf")
        .into_iter()
        .filter(|(section, setting, _)| !known(section, setting))
        .map(|(_, setting, _)| setting)
        .collect();
    assert!(newer.iter().any(|setting| setting == "RestrictNamespaces"), "{newer:?}");
}
