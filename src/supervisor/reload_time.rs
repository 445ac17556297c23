//! When to reload, as the first line of `reload_time_file` says it (keepalived.conf(5)).

/// `HH:MM:SS`, `YY-MM-DD HH:MM:SS` or `YYYY-MM-DD HH:MM:SS`, each with an optional `Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReloadTime {
    /// None: every day.
    pub date: Option<Date>,
    pub hour: u8,
    pub minute: u8,
    pub second: u8,
    /// In UTC, not in the machine's time.
    pub utc: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date {
    pub year: u16,
    /// 1..=12.
    pub month: u8,
    /// 1..=31.
    pub day: u8,
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
        let mut parts = time.split(':').map(two_digits);
        let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
        let fits = parts.next().is_none() && hour < 24 && minute < 60 && second < 60;
        fits.then_some(Self { date, hour, minute, second, utc })
    }

    /// Seconds since midnight.
    #[must_use]
    pub fn of_day(&self) -> i64 {
        i64::from(self.hour) * 3600 + i64::from(self.minute) * 60 + i64::from(self.second)
    }

    /// The next time that this is, in seconds since 1970; both in the zone that is meant. None: a
    /// date that has passed, or that no calendar has. `now` counts as past.
    #[must_use]
    pub fn after(&self, now: i64) -> Option<i64> {
        const DAY: i64 = 86_400;
        let at = match self.date {
            Some(date) => days(date)? * DAY + self.of_day(),
            None => {
                let today = now.div_euclid(DAY) * DAY + self.of_day();
                if today <= now { today + DAY } else { today }
            }
        };
        (at > now).then_some(at)
    }
}

fn date(text: &str) -> Option<Date> {
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let year = match year.len() {
        2 => 2000 + u16::from(two_digits(year)?),
        4 if year.bytes().all(|byte| byte.is_ascii_digit()) => year.parse().ok()?,
        _ => return None,
    };
    let date = Date { year, month: two_digits(month)?, day: two_digits(day)? };
    (parts.next().is_none() && days(date).is_some()).then_some(date)
}

fn two_digits(text: &str) -> Option<u8> {
    let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// Days since 1970-01-01 (the civil calendar; years begin in March, so that leap days come last).
fn days(Date { year, month, day }: Date) -> Option<i64> {
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let longest = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    if day == 0 || day > longest {
        return None;
    }
    let (month, year) = (i64::from(month), i64::from(year));
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let month = (month + 9) % 12;
    let of_year = (153 * month + 2) / 5 + i64::from(day) - 1;
    let of_era = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    Some(era * 146_097 + of_era - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-21 12:00:00 in UTC.
    const NOON: i64 = 1_795_262_400;

    #[test]
    fn times_and_dates_are_found() {
        for (line, expected) in [
            ("12:00:01", Some(NOON + 1)),
            ("12:00:00", Some(NOON + 86_400)),
            ("11:59:59Z", Some(NOON + 86_399)),
            ("26-11-21 12:00:05", Some(NOON + 5)),
            ("2026-11-22 00:00:00Z", Some(NOON + 43_200)),
            ("2028-02-29 12:00:00", Some(NOON + 465 * 86_400)),
            ("2026-11-21 11:59:59", None),
        ] {
            let time = ReloadTime::parse(line).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(time.after(NOON), expected, "{line}");
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
        ] {
            assert_eq!(ReloadTime::parse(line), None, "{line:?}");
        }
    }
}
