//! The plan as people read it.
use super::{Cost, Mark, Plan, Section, text};
use crate::config::rules::text::Language;

/// How much is shown, and how.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    pub file: &'a str,
    pub language: Language,
    pub colour: bool,
    /// Also what is equal, and the names of all foreign services.
    pub all: bool,
}

/// Foreign services that are named where not all are asked for.
const NAMED: usize = 3;

const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";
const CYAN: &str = "36";
const BOLD: &str = "1";

/// A diff with two columns for signs, the steps, one line at the end. Ends with a newline.
#[must_use]
pub fn render(plan: &Plan, shown: Shown<'_>) -> String {
    let language = shown.language;
    let mut page = Page { text: String::new(), colour: shown.colour };
    page.line(BOLD, &text::head(shown.file, plan.daemon, language));
    for note in &plan.notes {
        page.line(YELLOW, &format!("! {}", text::note(note, language)));
    }
    for section in &plan.sections {
        if shown.all || section.is_worth_a_word() {
            show(section, shown, &mut page);
        }
    }
    if !plan.steps.is_empty() {
        page.line("", "");
        page.line(BOLD, text::steps(plan.daemon, language));
    }
    for (number, step) in plan.steps.iter().enumerate() {
        let act = text::act(&step.act, language);
        let line = format!("{:3}. {act}", number + 1);
        match step.cost {
            Cost::Nothing => page.line("", &line),
            cost => {
                let colour = if cost.drops() { RED } else { YELLOW };
                let cost = page.painted(colour, &format!("# {}", text::cost(cost, language)));
                page.line("", &format!("{line}  {cost}"));
            }
        }
    }
    page.line("", "");
    if !plan.foreign.is_empty() {
        let most = if shown.all { usize::MAX } else { NAMED };
        let mut names: Vec<String> =
            plan.foreign.iter().take(most).map(ToString::to_string).collect();
        if plan.foreign.len() > names.len() {
            names.push("…".to_owned());
        }
        page.line("", &text::foreign(&names.join(", "), plan.foreign.len(), language));
    }
    let changed = plan.sections.iter().map(Section::differences).sum();
    let dropping = plan.steps.iter().filter(|step| step.cost.drops()).count();
    page.line("", &text::sum(changed, plan.steps.len(), dropping, language));
    page.text
}

fn show(section: &Section, shown: Shown<'_>, page: &mut Page) {
    let (sign, colour) = sign(section.mark);
    let colour = if section.mark == Mark::Same { CYAN } else { colour };
    page.line("", "");
    page.line(colour, &format!("{sign} {}", text::title(&section.title, shown.language)));
    for line in &section.lines {
        if !shown.all && line.mark == Mark::Same && line.remark.is_none() {
            continue;
        }
        let (sign, colour) = self::sign(line.mark);
        let remark = line.remark.as_ref().map(|remark| text::remark(remark, shown.language));
        let remark = remark.map(|remark| format!("  # {remark}")).unwrap_or_default();
        page.line(colour, &format!("{sign}   {}{remark}", line.text));
    }
}

const fn sign(mark: Mark) -> (char, &'static str) {
    match mark {
        Mark::Same => (' ', ""),
        Mark::Add => ('+', GREEN),
        Mark::Remove => ('-', RED),
    }
}

impl Section {
    /// Lines that are there on one side only; a changed line counts once.
    fn differences(&self) -> usize {
        let count = |mark| self.lines.iter().filter(|line| line.mark == mark).count();
        count(Mark::Add).max(count(Mark::Remove))
    }
}

struct Page {
    text: String,
    colour: bool,
}

impl Page {
    fn painted(&self, code: &str, text: &str) -> String {
        if self.colour && !code.is_empty() {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    fn line(&mut self, code: &str, text: &str) {
        let line = self.painted(code, text);
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }
}
