//! Packet filters of this machine, as its own programs print them. Nothing that is not there already
//! is loaded.
use super::machine::is_present;
use crate::{
    base::Family,
    probe::firewall::{Advert, Verdict, either, iptables, nft},
};
use std::{io, process::Stdio};
use tokio::process::Command;

/// All rules, as text. Err: there are rules, and why they cannot be read.
#[derive(Debug)]
pub(super) struct Filters {
    /// As JSON; None where the kernel has no nftables.
    nft: Option<Result<String, String>>,
    /// Of the older kernel interface, and what only iptables understands of nftables; each with the
    /// program that it belongs to. For IPv4 and IPv6.
    iptables: [Vec<(String, Result<String, String>)>; 2],
}

pub(super) async fn read() -> Filters {
    let nft = if has_nftables().await {
        Some(print("nft", &["-j", "list", "ruleset"]).await)
    } else {
        None
    };
    // Rules that were written with iptables-nft have parts in its own words.
    let extensions = nft.as_ref().and_then(|text| text.as_ref().ok());
    let extensions = extensions.is_some_and(|text| text.contains("\"xt\""));
    let iptables = [
        saved("/proc/net/ip_tables_names", "iptables", extensions).await,
        saved("/proc/net/ip6_tables_names", "ip6tables", extensions).await,
    ];
    Filters { nft, iptables }
}

/// Asking for rules would load nftables where it is not there yet.
async fn has_nftables() -> bool {
    if is_present("nf_tables") {
        return true;
    }
    // Part of the kernel, and its list of modules is not here (containers).
    let symbols = tokio::fs::read_to_string("/proc/kallsyms").await.unwrap_or_default();
    symbols.lines().any(|line| line.split(' ').nth(2) == Some("nf_tables_newtable"))
}

/// `tables` names the tables of the older interface.
async fn saved(
    tables: &str,
    plain: &str,
    extensions: bool,
) -> Vec<(String, Result<String, String>)> {
    let mut all = vec![];
    match std::fs::read_to_string(tables) {
        Ok(names) if names.trim().is_empty() => {}
        Ok(_) => all.push(first([format!("{plain}-legacy"), plain.to_owned()]).await),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => all.push((plain.to_owned(), Err(words(&error)))),
    }
    if extensions {
        all.push(first([format!("{plain}-nft"), plain.to_owned()]).await);
    }
    all
}

/// What the first of two programs prints that is here.
async fn first([special, plain]: [String; 2]) -> (String, Result<String, String>) {
    match print(&format!("{special}-save"), &[]).await {
        Ok(text) => (special, Ok(text)),
        Err(_) => {
            let text = print(&format!("{plain}-save"), &[]).await;
            (plain, text)
        }
    }
}

async fn print(program: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|error| format!("{program}: {}", words(&error)))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{program}: {}", said.lines().next().unwrap_or("it fails")))
}

fn words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "it is not installed".to_owned(),
        io::ErrorKind::PermissionDenied => "this takes root".to_owned(),
        _ => error.to_string(),
    }
}

impl Filters {
    /// # Errors
    /// Why rules cannot be read, where those that can be read do not drop it.
    pub(super) fn verdict(&self, advert: &Advert<'_>) -> Result<Verdict, String> {
        let [v4, v6] = &self.iptables;
        let saved = match advert.family {
            Family::V4 => v4,
            Family::V6 => v6,
        };
        let mut trouble = None;
        let mut verdict = Verdict::Pass;
        let mut judge = |found: Result<Verdict, &String>| match found {
            Ok(found) => verdict = either(verdict.clone(), found),
            Err(why) => trouble = Some(why.clone()),
        };
        for (program, text) in saved {
            judge(text.as_ref().map(|text| iptables(program, text, advert)));
        }
        if let Some(text) = &self.nft {
            judge(text.as_ref().map(|text| nft(text, advert)));
        }
        match (verdict, trouble) {
            (drop @ Verdict::Drop { .. }, _) => Ok(drop),
            (_, Some(why)) => Err(why),
            (verdict, None) => Ok(verdict),
        }
    }
}
