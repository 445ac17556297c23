//! Puts filters in place with `nft -f -`: one transaction per family.
use super::NetError;
use crate::{
    base::Family,
    net::filter::{Filter, Reports},
};
use std::{process::Stdio, time::Duration};
use tokio::{io::AsyncWriteExt, process::Command, time::timeout};

/// `nft` answers within milliseconds; adverts wait meanwhile.
const PATIENCE: Duration = Duration::from_secs(3);

/// The filters of this process.
#[derive(Debug)]
pub struct Filters {
    /// Whether there may be a table of ours: at first a predecessor's.
    v4: Table,
    v6: Table,
    /// What this kernel can do.
    reports: Reports,
    /// It has no nftables: said once, and not tried again.
    hopeless: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Table {
    #[default]
    Unknown,
    Present,
    Absent,
}

impl Default for Filters {
    fn default() -> Self {
        Self {
            v4: Table::default(),
            v6: Table::default(),
            reports: Reports::ByParent,
            hopeless: false,
        }
    }
}

impl Filters {
    /// Replaces all filters by these.
    ///
    /// # Errors
    /// When there is no `nft`, or it refuses: nothing has changed then. A kernel that cannot filter
    /// is an error once.
    pub async fn replace(&mut self, filter: &Filter) -> Result<(), NetError> {
        if self.hopeless {
            return Ok(());
        }
        let families = [Family::V4, Family::V6];
        let concerned = |family: &Family| {
            let table = if *family == Family::V4 { self.v4 } else { self.v6 };
            !filter.is_empty(*family) || table != Table::Absent
        };
        let families: Vec<Family> = families.into_iter().filter(concerned).collect();
        if families.is_empty() {
            return Ok(());
        }
        let script: String =
            families.iter().map(|family| filter.script(*family, self.reports)).collect();
        match nft(&script).await {
            Ok(()) => families.into_iter().for_each(|family| self.settled(filter, family)),
            Err(error @ NetError::NoNft(_)) => self.excuse(filter, error)?,
            Err(error @ NetError::Nft(_)) if has_no_tables(&error) => {
                self.hopeless = true;
                self.excuse(filter, error)?;
            }
            // Perhaps one family only, or one rule that this kernel does not know.
            Err(_) => {
                let mut outcome = Ok(());
                for family in families {
                    outcome = self.replace_family(filter, family).await.and(outcome);
                }
                outcome?;
            }
        }
        Ok(())
    }

    async fn replace_family(&mut self, filter: &Filter, family: Family) -> Result<(), NetError> {
        let mut error = None;
        for reports in [Reports::ByParent, Reports::Never] {
            match nft(&filter.script(family, reports)).await {
                Ok(()) => {
                    self.reports = reports;
                    self.settled(filter, family);
                    return Ok(());
                }
                Err(why) => error = Some(why),
            }
            if filter.is_empty(family) {
                break;
            }
        }
        match error {
            Some(error) => self.excuse(filter, error),
            None => Ok(()),
        }
    }

    fn settled(&mut self, filter: &Filter, family: Family) {
        let table = if filter.is_empty(family) { Table::Absent } else { Table::Present };
        match family {
            Family::V4 => self.v4 = table,
            Family::V6 => self.v6 = table,
        }
    }

    /// Where nothing is to be filtered, a kernel or a machine that cannot is none the worse.
    fn excuse(&mut self, filter: &Filter, error: NetError) -> Result<(), NetError> {
        let idle = filter.is_empty(Family::V4) && filter.is_empty(Family::V6);
        if idle {
            tracing::debug!("{error}");
            return Ok(());
        }
        Err(error)
    }
}

/// The very first order, to add a table, is refused.
fn has_no_tables(error: &NetError) -> bool {
    matches!(error, NetError::Nft(why) if why.contains(":1:1-") && why.contains("not supported"))
}

async fn nft(script: &str) -> Result<(), NetError> {
    let run = async {
        let mut child = Command::new("nft")
            .args(["-f", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(NetError::NoNft)?;
        if let Some(mut input) = child.stdin.take() {
            input.write_all(script.as_bytes()).await.map_err(NetError::NoNft)?;
        }
        let output = child.wait_with_output().await.map_err(NetError::NoNft)?;
        if output.status.success() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&output.stderr);
        Err(NetError::Nft(text.lines().next().unwrap_or("it says nothing").to_owned()))
    };
    timeout(PATIENCE, run).await.unwrap_or_else(|_| Err(NetError::Nft("it hangs".to_owned())))
}
