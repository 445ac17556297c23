//! The section that every sheet begins with.
use super::{Page, command};
use crate::config::model::{
    FlushOnStop, GlobalDefs, IpvsNamespace, ProcessControl, Scheduling, TimedScript,
};

pub(super) fn add(page: &mut Page, global: &GlobalDefs) {
    page.heading(0, "Global definitions");
    let process = &global.process;
    let namespace = process.net_namespace.as_deref().unwrap_or("(default)");
    page.line(1, format_args!("Network namespace = {namespace}"));
    let ipvs = match &process.net_namespace_ipvs {
        None => "(main namespace)",
        Some(IpvsNamespace::Main) => "(default)",
        Some(IpvsNamespace::Named(name)) => name,
    };
    page.line(1, format_args!("Network namespace ipvs = {ipvs}"));
    page.optional(1, "Instance name", process.instance.as_ref());
    page.optional(1, "Router ID", global.router_id.as_ref());
    mail(page, global);
    scripts(page, process);
    if let Some(daemon) = &global.sync_daemon {
        page.optional(1, "LVS syncd vrrp instance", daemon.instance.as_ref());
        page.line(1, format_args!("LVS syncd interface = {}", daemon.interface));
        page.optional(1, "LVS syncd syncid", daemon.id);
    }
    page.line(1, format_args!("LVS flush = {}", global.lvs_flush));
    let flush = match global.lvs_flush_on_stop {
        FlushOnStop::No => "disabled",
        FlushOnStop::Everything => "enabled",
        FlushOnStop::OwnServices => "VS",
    };
    page.line(1, format_args!("LVS flush on stop = {flush}"));
    for (what, fifo) in [
        ("Global notify fifo", &global.fifo),
        ("VRRP notify fifo", &global.vrrp_fifo),
        ("LVS notify fifo", &global.lvs_fifo),
    ] {
        if let Some(fifo) = fifo {
            page.line(1, format_args!("{what} = {}", fifo.path.display()));
            page.optional(1, &format!("{what} script"), fifo.script.as_ref().map(command));
        }
    }
    scheduling(page, process);
    let security = if global.enable_script_security { "enabled" } else { "disabled" };
    page.line(1, format_args!("Script security {security}"));
    if let Some((user, group)) = &global.script_user {
        let group = group.as_deref().map(|group| format!(":{group}")).unwrap_or_default();
        page.line(1, format_args!("Default script user = {user}{group}"));
    }
    page.line(1, format_args!("rs_init_notifies = {}", u8::from(global.rs_init_notifies)));
    page.line(1, format_args!("no_checker_emails = {}", u8::from(global.no_checker_emails)));
    page.line(1, format_args!("umask = {:04o}", process.umask.unwrap_or(0o177)));
}

fn mail(page: &mut Page, global: &GlobalDefs) {
    let mail = &global.mail;
    if let Some((host, port)) = &mail.server {
        page.line(1, format_args!("Smtp server = {host}"));
        page.line(1, format_args!("Smtp server port = {port}"));
        page.optional(1, "Smtp HELO name", mail.helo.as_ref());
        let timeout = mail.connect_timeout.as_secs();
        page.line(1, format_args!("Smtp server connection timeout = {timeout}"));
    }
    page.optional(1, "Email notification from", mail.from.as_ref());
    for to in &mail.to {
        page.line(1, format_args!("Email notification = {to}"));
    }
}

fn scripts(page: &mut Page, process: &ProcessControl) {
    for (what, script) in
        [("Startup script", &process.startup), ("Shutdown script", &process.shutdown)]
    {
        if let Some(TimedScript { script, timeout }) = script {
            let (script, timeout) = (command(script), timeout.as_secs());
            page.line(1, format_args!("{what} = {script}, timeout {timeout}"));
        }
    }
}

fn scheduling(page: &mut Page, process: &ProcessControl) {
    page.optional(1, "Process name", process.parent_name.as_ref());
    page.line(1, format_args!("Max auto priority = {}", process.max_auto_priority));
    let late = process.min_auto_priority_delay.as_micros();
    page.line(1, format_args!("Min auto priority delay = {late} usecs"));
    for (kind, Scheduling { name, nice, no_swap, rt_priority, cpus, rt_limit }) in
        [("VRRP", &process.vrrp), ("Checker", &process.checkers), ("BFD", &process.bfd)]
    {
        page.optional(1, &format!("{kind} process name"), name.as_ref());
        page.line(1, format_args!("{kind} process priority = {}", nice.unwrap_or(0)));
        page.line(1, format_args!("{kind} don't swap = {no_swap}"));
        page.line(1, format_args!("{kind} realtime priority = {}", rt_priority.unwrap_or(0)));
        page.optional(1, &format!("{kind} realtime limit"), rt_limit.map(|l| l.as_micros()));
        if !cpus.is_empty() {
            let cpus: Vec<String> = cpus.iter().map(ToString::to_string).collect();
            page.line(1, format_args!("{kind} CPU Affinity = {}", cpus.join(" ")));
        }
    }
}
