//! The number at the start of a file, as strtol(3) with base 0 reads it.

/// Blanks, a sign, then decimal, octal (`010`) or hexadecimal (`0x8`) digits; what follows is
/// ignored. No number, or one beyond 64 bits, is 0, as in keepalived.
#[must_use]
pub fn read_number(text: &str) -> i64 {
    let text = text.trim_start();
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let hexadecimal = text
        .strip_prefix("0x")
        .or_else(|| text.strip_prefix("0X"))
        .filter(|rest| rest.starts_with(|c: char| c.is_ascii_hexdigit()));
    let (radix, digits) = match hexadecimal {
        Some(rest) => (16, rest),
        None if text.starts_with('0') => (8, text),
        None => (10, text),
    };
    let end = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len());
    let digits = digits.get(..end).unwrap_or_default();
    // With its sign: the smallest number has no positive twin.
    let signed = if negative { format!("-{digits}") } else { digits.to_owned() };
    i64::from_str_radix(&signed, radix).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_c_reads_them() {
        for (text, number) in [
            ("", 0),
            ("\n", 0),
            ("5\n", 5),
            (" -7 and more", -7),
            ("+3", 3),
            ("0x1F", 31),
            ("-0x10", -16),
            ("010", 8),
            ("09", 0),
            ("0x", 0),
            ("12abc", 12),
            ("many", 0),
            ("-", 0),
            ("-9223372036854775808", i64::MIN),
            ("9223372036854775808", 0),
        ] {
            assert_eq!(read_number(text), number, "{text:?}");
        }
    }
}
