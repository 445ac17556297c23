//! Why a word is no address, and what was meant.
use super::{
    diagnostic::{Certainty, Diagnostics},
    rules::{Rule, values as rules},
    tree::Word,
};
use std::net::{IpAddr, Ipv4Addr};

/// What people put behind the items of a list.
const COMMAS: [char; 4] = [',', '，', '、', '；'];

/// Reports what keeps a word from being an address, or `ADDRESS/LENGTH`; false where it is not even
/// like one. `keyword` is what takes it.
pub(super) fn explain(keyword: &str, word: &Word<'_>, out: &mut Diagnostics) -> bool {
    let Some((rule, meant)) = slip(word.as_str()) else { return false };
    let found = out.report(rule, word.span).with("word", keyword).with("value", word.as_str());
    if let Some((meant, certainty)) = meant {
        found.with("near", &meant).replace_with(meant).certainty = certainty;
    }
    true
}

/// The text without a comma behind it, if there is one and it is an address then.
pub(super) fn without_comma(text: &str) -> Option<&str> {
    let bare = text.trim_end_matches(COMMAS);
    (bare.len() < text.len() && is_prefix(bare)).then_some(bare)
}

/// Reports a comma behind a word in which none may stand.
pub(super) fn refuse_comma(word: &Word<'_>, out: &mut Diagnostics) {
    let text = word.as_str();
    let bare = text.trim_end_matches(COMMAS);
    if bare.len() < text.len() {
        out.report(rules::LIST_COMMA, word.span).with("value", text).mend_with(bare);
    }
}

/// The prefix length of a mask that stands apart: `/24` or `255.255.255.0`.
pub(super) fn mask(text: &str) -> Option<u8> {
    if let Some(length) = text.strip_prefix('/') {
        return length.parse().ok();
    }
    let mask = u32::from(text.parse::<Ipv4Addr>().ok()?);
    let length = u8::try_from(mask.leading_ones()).ok()?;
    (length > 0 && mask.count_ones() == mask.leading_ones()).then_some(length)
}

/// `192.0.2.1:80`, in either script.
pub(super) fn and_port(text: &str) -> Option<(&str, &str)> {
    let (address, port) = match text.strip_prefix('[') {
        Some(rest) => rest.split_once("]:").filter(|(address, _)| is_address(address))?,
        // `2001:db8:::80` is a slip in an address.
        None => text
            .rsplit_once([':', '：'])
            .filter(|(address, _)| address.parse::<Ipv4Addr>().is_ok())?,
    };
    port.parse::<u16>().is_ok().then_some((address, port))
}

fn is_address(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok()
}

fn is_prefix(text: &str) -> bool {
    let (address, length) = text.split_once('/').unwrap_or((text, "0"));
    is_address(address) && length.parse::<u8>().is_ok()
}

/// The rule that a text breaks, and how it is mended.
fn slip(text: &str) -> Option<(&'static Rule, Option<(String, Certainty)>)> {
    let certain = |text: String| Some((text, Certainty::Certain));
    let likely = |text: String| Some((text, Certainty::Likely));
    if let Some((address, _)) = and_port(text) {
        return Some((rules::PORT_NOT_HERE, likely(address.to_owned())));
    }
    if let Some(bare) = without_brackets(text) {
        return Some((rules::BRACKETS, certain(bare)));
    }
    if text.starts_with(['<', '[']) {
        return Some((rules::PLACEHOLDER, None));
    }
    if text.contains(COMMAS) && text.starts_with(|c: char| c.is_ascii_hexdigit()) {
        let bare = without_comma(text).map(ToOwned::to_owned);
        return Some((rules::LIST_COMMA, bare.and_then(certain)));
    }
    if let Some(plain) = without_zeros(text) {
        return Some((rules::LEADING_ZEROS, likely(plain)));
    }
    if text.split_once('-').is_some_and(|(first, _)| is_address(first)) {
        return Some((rules::ADDRESS_RANGE, None));
    }
    let (address, _) = text.split_once('/').unwrap_or((text, ""));
    let digits = |sign: char| {
        address.contains(sign)
            && address.chars().all(|c| c.is_ascii_hexdigit() || matches!(c, '.' | ':' | '%'))
    };
    if address.matches(':').count() >= 2 && digits(':') {
        return Some((rules::BAD_ADDRESS_V6, None));
    }
    let v4 = !address.is_empty() && address.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    v4.then_some((rules::BAD_ADDRESS, None))
}

/// `[2001:db8::1]/64` as `2001:db8::1/64`.
fn without_brackets(text: &str) -> Option<String> {
    let (address, behind) = text.strip_prefix('[')?.split_once(']')?;
    let bare = format!("{address}{behind}");
    is_prefix(&bare).then_some(bare)
}

/// `192.0.2.080` as `192.0.2.80`.
fn without_zeros(text: &str) -> Option<String> {
    let (address, length) = text.split_once('/').map_or((text, None), |(a, l)| (a, Some(l)));
    let numbers: Option<Vec<u8>> = address.split('.').map(|number| number.parse().ok()).collect();
    let Ok([a, b, c, d]) = <[u8; 4]>::try_from(numbers?) else { return None };
    let plain = Ipv4Addr::new(a, b, c, d).to_string();
    let plain = length.map_or_else(|| plain.clone(), |length| format!("{plain}/{length}"));
    (plain != text && is_prefix(&plain)).then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_have_names_and_remedies() {
        for (text, rule, meant) in [
            ("[2001:db8::80]", rules::BRACKETS, Some("2001:db8::80")),
            ("[2001:db8::80]/64", rules::BRACKETS, Some("2001:db8::80/64")),
            ("[192.0.2.11]", rules::BRACKETS, Some("192.0.2.11")),
            ("[VIP]", rules::PLACEHOLDER, None),
            ("<VIP>", rules::PLACEHOLDER, None),
            ("192.0.2.80:80", rules::PORT_NOT_HERE, Some("192.0.2.80")),
            ("[2001:db8::80]:80", rules::PORT_NOT_HERE, Some("2001:db8::80")),
            ("192.0.2.80/24,", rules::LIST_COMMA, Some("192.0.2.80/24")),
            ("192.0.2.80、", rules::LIST_COMMA, Some("192.0.2.80")),
            ("192.0.2.80,192.0.2.81", rules::LIST_COMMA, None),
            ("192.0.2.080/24", rules::LEADING_ZEROS, Some("192.0.2.80/24")),
            ("192.0.2.80-85/24", rules::ADDRESS_RANGE, None),
            ("192.0.2.300/24", rules::BAD_ADDRESS, None),
            ("192.0.2", rules::BAD_ADDRESS, None),
            ("2001:db8:::80/64", rules::BAD_ADDRESS_V6, None),
        ] {
            let (found, mended) = slip(text).unwrap();
            assert_eq!((found.code, mended.map(|(text, _)| text).as_deref()), (rule.code, meant));
        }
        assert_eq!(slip("www.example.org"), None);
        assert_eq!(slip("eth0"), None);
    }

    #[test]
    fn masks_apart() {
        assert_eq!(mask("/24"), Some(24));
        assert_eq!(mask("255.255.240.0"), Some(20));
        assert_eq!(mask("255.0.255.0"), None);
        assert_eq!(mask("192.0.2.1"), None);
        assert_eq!(mask("eth0"), None);
    }
}
