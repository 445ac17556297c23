//! The proof as people and as programs read it.
use super::{
    Director,
    combinations::{Depth, Failure},
    election::{Fault, Outcome, Proof, Row},
    judge::{columns, name_of, names, outcome},
    stays::stay,
};
use crate::{config::rules::text::Language, trackers::Subject};
use serde::Serialize;
use unicode_width::UnicodeWidthStr;

/// Rows that are printed; of more only those with one failure, and those with something wrong.
const MANY: usize = 64;
/// Groups of addresses that are printed.
const WIDE: usize = 6;

/// The table: what fails on each director, and who holds each address then.
#[must_use]
pub fn table(proof: &Proof, directors: &[Director<'_>], language: Language) -> String {
    let words = Words::of(language);
    let (columns, beside) = shown_columns(proof);
    let is_shown = |row: &&Row| {
        proof.rows.len() <= MANY || row.failing.len() <= 1 || row.outcomes.iter().any(is_wrong)
    };
    let shown: Vec<&Row> = proof.rows.iter().filter(is_shown).take(2 * MANY).collect();
    let mut lines = vec![head(proof, directors, &columns)];
    for row in &shown {
        let states = (0..directors.len()).map(|at| state(row, at, &words));
        let numbers = columns.iter().filter_map(|column| column.first().copied());
        let outcomes = numbers.clone().map(|number| outcome(row, number));
        let holders = outcomes.clone().map(|outcome| holders(&outcome, directors, &words));
        let mut line: Vec<String> = states.chain(holders).collect();
        line.extend(outcomes.filter_map(|outcome| wrong(&outcome, directors, &words)));
        let stays = numbers.filter_map(|number| stay(proof, row, number, directors));
        line.extend(stays.map(|stay| words.stays(stay.after, stay.theirs)));
        lines.push(line);
    }
    let mut text = aligned(&lines);
    if proof.rows.iter().flat_map(|row| &row.outcomes).any(is_a_draw) {
        text.push_str(words.draw);
    }
    text.push_str(&words.hidden(proof.rows.len() - shown.len(), beside));
    text.push_str(&words.summary(proof));
    text
}

/// Columns that are printed, those with something wrong before others, and how many are not.
fn shown_columns(proof: &Proof) -> (Vec<Vec<usize>>, usize) {
    let mut columns = columns(proof);
    let all = columns.len();
    if all > WIDE {
        columns.sort_by_key(|column| {
            let number = column.first().copied().unwrap_or_default();
            !proof.rows.iter().any(|row| is_wrong(&outcome(row, number)))
        });
        columns.truncate(WIDE);
        columns.sort();
    }
    let beside = all - columns.len();
    (columns, beside)
}

fn is_wrong(outcome: &Outcome) -> bool {
    outcome.fault().is_some()
}

/// Whether the addresses of the directors decide, of which the files do not tell.
fn is_a_draw(outcome: &Outcome) -> bool {
    let best = outcome.able.iter().map(|(_, priority)| *priority).max();
    outcome.able.iter().filter(|(_, priority)| Some(*priority) == best).count() > 1
}

fn head(proof: &Proof, directors: &[Director<'_>], columns: &[Vec<usize>]) -> Vec<String> {
    let addresses = columns.iter().filter_map(|column| {
        let (first, more) = column.split_first()?;
        let address = proof.vips.get(*first)?.address;
        Some(match more.len() {
            0 => address.to_string(),
            more => format!("{address} +{more}"),
        })
    });
    directors.iter().map(|director| director.name.to_owned()).chain(addresses).collect()
}

/// What is out of order on one director.
fn state(row: &Row, at: usize, words: &Words) -> String {
    let parts: Vec<String> = row
        .failing
        .iter()
        .filter(|failure| failure.director() == at)
        .map(|failure| match failure {
            Failure::Node(_) => words.dead.to_owned(),
            Failure::Interface(_, name) => format!("{name} {}", words.down),
            Failure::Tracked(_, subject) => format!("{} {}", name_of(subject), words.fails),
        })
        .collect();
    if parts.is_empty() { words.fine.to_owned() } else { parts.join(", ") }
}

fn holders(outcome: &Outcome, directors: &[Director<'_>], words: &Words) -> String {
    match outcome.holders.as_slice() {
        [] => words.nobody.to_owned(),
        holders => names(holders, directors),
    }
}

fn wrong(outcome: &Outcome, directors: &[Director<'_>], words: &Words) -> Option<String> {
    let able: Vec<usize> = outcome.able.iter().map(|(at, _)| *at).collect();
    Some(match outcome.fault()? {
        Fault::Nobody => format!("<- {}{}", words.able, names(&able, directors)),
        Fault::Several => format!("<- {}", words.several),
    })
}

fn aligned(lines: &[Vec<String>]) -> String {
    let cells = lines.first().map_or(0, Vec::len);
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        cells.map(|cell| cell.width()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..cells).map(width).collect();
    let mut text = String::new();
    for line in lines {
        let mut row = String::new();
        for (at, cell) in line.iter().enumerate() {
            let blanks = widths.get(at).map_or(0, |width| width.saturating_sub(cell.width()));
            row.push_str(&format!("{cell}{}  ", " ".repeat(blanks)));
        }
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}

struct Words {
    language: Language,
    fine: &'static str,
    dead: &'static str,
    down: &'static str,
    fails: &'static str,
    nobody: &'static str,
    several: &'static str,
    able: &'static str,
    draw: &'static str,
}

impl Words {
    const fn of(language: Language) -> Self {
        match language {
            Language::English => Self {
                language,
                fine: "ok",
                dead: "dead",
                down: "down",
                fails: "fails",
                nobody: "nobody",
                several: "more than one",
                able: "though able: ",
                draw: "where priorities are equal, the later file got the greater address here\n",
            },
            Language::Chinese => Self {
                language,
                fine: "正常",
                dead: "宕机",
                down: "断开",
                fails: "失败",
                nobody: "无",
                several: "多于一台",
                able: "仍可接管：",
                draw: "优先级相同之处，这里假定后一个文件的地址较大\n",
            },
        }
    }

    fn stays(&self, after: u8, theirs: u8) -> String {
        match self.language {
            Language::English => format!("<- stays: {after} against {theirs}"),
            Language::Chinese => format!("<- 未切换：{after} 对 {theirs}"),
        }
    }

    fn hidden(&self, rows: usize, columns: usize) -> String {
        let (of_rows, of_columns) = match self.language {
            Language::English => {
                (format!("{rows} rows are not shown"), format!("{columns} columns are not shown"))
            }
            Language::Chinese => {
                (format!("另有 {rows} 行未显示"), format!("另有 {columns} 列未显示"))
            }
        };
        let lines = [(rows, of_rows), (columns, of_columns)].into_iter();
        lines.filter(|(number, _)| *number > 0).map(|(_, text)| text + "\n").collect()
    }

    /// What was played, and what came out.
    fn summary(&self, proof: &Proof) -> String {
        let played = proof.rows.len();
        let wrong = proof.rows.iter().filter(|row| row.outcomes.iter().any(is_wrong)).count();
        match self.language {
            Language::English => {
                let depth = match proof.depth {
                    Depth::All => "all there are".to_owned(),
                    Depth::Few(1) => "each single failure (all together are too many)".to_owned(),
                    Depth::Few(most) => {
                        format!("up to {most} failures at once (all together are too many)")
                    }
                    Depth::Some => "the first of too many single failures".to_owned(),
                };
                let result = match wrong {
                    0 => "in each of them one director holds each address, if any is able to"
                        .to_owned(),
                    wrong => format!("wrong in {wrong}"),
                };
                format!("{played} combinations played, {depth}: {result}\n")
            }
            Language::Chinese => {
                let depth = match proof.depth {
                    Depth::All => "全部组合".to_owned(),
                    Depth::Few(1) => "每个单一故障（全部组合过多）".to_owned(),
                    Depth::Few(most) => format!("至多 {most} 个故障同时发生（全部组合过多）"),
                    Depth::Some => "单一故障过多，只推演了前面的".to_owned(),
                };
                let result = match wrong {
                    0 => "在每种组合中，只要有调度器可用，每个地址都恰有一个持有者".to_owned(),
                    wrong => format!("其中 {wrong} 种有误"),
                };
                format!("推演了 {played} 种组合（{depth}）：{result}\n")
            }
        }
    }
}

/// The proof for programs.
#[derive(Debug, Serialize)]
pub struct Report<'p> {
    directors: Vec<&'p str>,
    /// `all`, `few` (up to `most_failures` at once) or `some`.
    played: &'static str,
    most_failures: Option<usize>,
    combinations: Vec<Combination<'p>>,
}

#[derive(Debug, Serialize)]
struct Combination<'p> {
    failing: Vec<Part<'p>>,
    addresses: Vec<Held<'p>>,
}

#[derive(Debug, Serialize)]
struct Part<'p> {
    director: &'p str,
    /// node, interface, script, process, bfd.
    kind: &'static str,
    /// None for a node.
    name: Option<&'p str>,
}

#[derive(Debug, Serialize)]
struct Held<'p> {
    address: String,
    holders: Vec<&'p str>,
    able: Vec<&'p str>,
    /// `nobody`, `several`, or None where all is well.
    fault: Option<&'static str>,
}

impl<'p> Report<'p> {
    #[must_use]
    pub fn of(proof: &'p Proof, directors: &'p [Director<'p>]) -> Self {
        let name = |at: usize| directors.get(at).map_or("", |director| director.name);
        let part = |failure: &'p Failure| {
            let (kind, what) = match failure {
                Failure::Node(_) => ("node", None),
                Failure::Interface(_, what) => ("interface", Some(what.as_str())),
                Failure::Tracked(_, subject) => (kind(subject), Some(name_of(subject))),
            };
            Part { director: name(failure.director()), kind, name: what }
        };
        let combinations = proof.rows.iter().map(|row| Combination {
            failing: row.failing.iter().map(part).collect(),
            addresses: proof
                .vips
                .iter()
                .zip(&row.outcomes)
                .map(|(vip, outcome)| Held {
                    address: vip.address.to_string(),
                    holders: outcome.holders.iter().map(|at| name(*at)).collect(),
                    able: outcome.able.iter().map(|(at, _)| name(*at)).collect(),
                    fault: outcome.fault().map(|fault| match fault {
                        Fault::Nobody => "nobody",
                        Fault::Several => "several",
                    }),
                })
                .collect(),
        });
        let (played, most_failures) = match proof.depth {
            Depth::All => ("all", None),
            Depth::Few(most) => ("few", Some(most)),
            Depth::Some => ("some", Some(1)),
        };
        Self {
            directors: directors.iter().map(|director| director.name).collect(),
            played,
            most_failures,
            combinations: combinations.collect(),
        }
    }
}

const fn kind(subject: &Subject) -> &'static str {
    match subject {
        Subject::Interface(_) => "interface",
        Subject::Script(_) => "script",
        Subject::Process(_) => "process",
        Subject::File(_) => "file",
        Subject::Bfd(_) => "bfd",
    }
}
