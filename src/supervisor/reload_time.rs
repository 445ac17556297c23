//! When to reload, as the first line of `reload_time_file` says it (keepalived.conf(5)).
use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime};

/// `HH:MM:SS`, `YY-MM-DD HH:MM:SS` or `YYYY-MM-DD HH:MM:SS`, each with an optional `Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReloadTime {
    /// None: every day.
    pub date: Option<NaiveDate>,
    pub time: NaiveTime,
    /// In UTC, not in the machine's time.
    pub utc: bool,
}

impl ReloadTime {
    /// Of a line without its newline. None: it is no such time.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let (line, utc) = line.strip_suffix('Z').map_or((line, false), |line| (line, true));
        let (date, time) = match line.split_once(' ') {
            Some((date, time)) => (Some(self::date(date)?), time),
            None => (None, line),
        };
        let [hour, minute, second] = numbers(time, ':')?;
        let time = NaiveTime::from_hms_opt(hour, minute, second)?;
        Some(Self { date, time, utc })
    }

    /// The next time that this is; both in the zone that is meant. None: a date that has passed.
    /// `now` counts as past.
    #[must_use]
    pub fn after(&self, now: NaiveDateTime) -> Option<NaiveDateTime> {
        let at = match self.date {
            Some(date) => date.and_time(self.time),
            None if self.time > now.time() => now.date().and_time(self.time),
            None => now.date().checked_add_days(Days::new(1))?.and_time(self.time),
        };
        (at > now).then_some(at)
    }
}

fn date(text: &str) -> Option<NaiveDate> {
    let (year, rest) = text.split_once('-')?;
    let century = match year.len() {
        2 => 2000,
        4 => 0,
        _ => return None,
    };
    let [month, day] = numbers(rest, '-')?;
    NaiveDate::from_ymd_opt(century + i32::try_from(number(year)?).ok()?, month, day)
}

/// So many numbers of two digits.
fn numbers<const N: usize>(text: &str, between: char) -> Option<[u32; N]> {
    let parts: Option<Vec<u32>> =
        text.split(between).map(|part| number(part).filter(|_| part.len() == 2)).collect();
    parts?.try_into().ok()
}

/// Digits and nothing else.
fn number(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> NaiveDateTime {
        text.parse().unwrap()
    }

    #[test]
    fn times_and_dates_are_found() {
        for (line, expected) in [
            ("12:00:01", Some("2026-11-21T12:00:01")),
            ("12:00:00", Some("2026-11-22T12:00:00")),
            ("11:59:59Z", Some("2026-11-22T11:59:59")),
            ("26-11-21 12:00:05", Some("2026-11-21T12:00:05")),
            ("2026-11-22 00:00:00Z", Some("2026-11-22T00:00:00")),
            ("2028-02-29 12:00:00", Some("2028-02-29T12:00:00")),
            ("2026-11-21 11:59:59", None),
        ] {
            let time = ReloadTime::parse(line).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(time.after(at("2026-11-21T12:00:00")), expected.map(at), "{line}");
            assert_eq!(time.utc, line.ends_with('Z'), "{line}");
        }
    }

    #[test]
    fn anything_else_is_no_time() {
        for line in [
            "",
            "12:00",
            "12:0:00",
            " 12:00:00",
            "12:00:00 ",
            "24:00:00",
            "12:60:00",
            "+1:00:00",
            "2026-02-29 12:00:00",
            "2026-13-01 12:00:00",
            "126-01-01 12:00:00",
            "12:00:00z",
            "2026-11-21  12:00:00",
            "2026/11/21 12:00:00",
            "12:00:00:00",
            "12:00:60",
        ] {
            assert_eq!(ReloadTime::parse(line), None, "{line:?}");
        }
    }
}
