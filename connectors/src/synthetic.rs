//! Identity numbers by their form: what a query may hold, what a test may hold, what a log may not.

/// The prefix that GB 11643 never issues: synthetic people only.
const SYNTHETIC_PREFIX: &str = "150000";

/// True for 17 digits and a digit or `X`. The check digit is the hub's business.
pub(crate) fn is_canonical(text: &str) -> bool {
    let (body, check) = text.split_at_checked(17).unwrap_or((text, ""));
    body.len() == 17
        && body.bytes().all(|byte| byte.is_ascii_digit())
        && matches!(check.as_bytes(), [b'0'..=b'9' | b'X'])
}

/// True for a canonical number that no person can have.
pub(crate) fn is_synthetic(text: &str) -> bool {
    is_canonical(text) && text.starts_with(SYNTHETIC_PREFIX)
}

/// Hides whatever in a text could be an identity number: 17 digits and a check digit that fits.
/// For the few texts of a caller that go into the ledger.
pub(crate) fn without_identity_numbers(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let hidden = rest.get(..18).filter(|window| is_identity_number(window));
        if hidden.is_some() {
            shown.push_str("(hidden)");
        } else {
            shown.push(first);
        }
        let taken = hidden.map_or(first.len_utf8(), str::len);
        rest = rest.get(taken..).unwrap_or_default();
    }
    shown
}

fn is_identity_number(window: &str) -> bool {
    let upper = window.to_ascii_uppercase();
    is_canonical(&upper) && upper.chars().last() == upper.get(..17).and_then(check_character)
}

/// The check character of 17 digits (GB 11643).
fn check_character(body: &str) -> Option<char> {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    const CHECKS: [char; 11] = ['1', '0', 'X', '9', '8', '7', '6', '5', '4', '3', '2'];
    let sum: u32 = body.bytes().zip(WEIGHTS).map(|(byte, weight)| u32::from(byte.wrapping_sub(b'0')) * weight).sum();
    CHECKS.get(sum as usize % 11).copied()
}

/// The number of 15 digits that a person born before 2000 had: without the century and the check character.
pub(crate) fn old_form(number: &str) -> Option<String> {
    let (place, rest) = number.split_at_checked(6)?;
    let body = rest.strip_prefix("19")?.get(..9)?;
    Some(format!("{place}{body}"))
}

/// The number of 18 characters that one of 15 digits became.
pub(crate) fn from_old_form(old: &str) -> Option<String> {
    if old.len() != 15 || !old.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (place, rest) = old.split_at_checked(6)?;
    let body = format!("{place}19{rest}");
    check_character(&body).map(|check| format!("{body}{check}"))
}

/// Whether a number as a source writes it is this person's: with a small `x` or, where `old` is to be read, of 15 digits.
pub(crate) fn is_number_of(written: &str, person: &str, old: bool) -> bool {
    written.eq_ignore_ascii_case(person) || old && old_form(person).as_deref() == Some(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_a_number_is_exact() {
        assert!(is_canonical("150000198605021015") && is_canonical("15000019700101109X"));
        for text in
            ["", "15000019860502101", "1500001986050210150", "15000019700101109x", "15000O198605021015", "库伦旗库伦旗"]
        {
            assert!(!is_canonical(text), "{text}");
        }
        assert!(is_synthetic("150000198605021015") && !is_synthetic("110101198605021015"));
    }

    #[test]
    fn a_number_of_fifteen_digits_becomes_one_of_eighteen_and_back() {
        for (old, new) in [("150000860502101", "150000198605021015"), ("150000700101109", "15000019700101109X")] {
            assert_eq!((from_old_form(old).as_deref(), old_form(new).as_deref()), (Some(new), Some(old)));
        }
        assert_eq!(old_form("150000201409011041"), None, "born after 1999");
        for text in ["", "15000086050210", "15000086050210X", "1500008605021015", "一五〇〇〇"] {
            assert_eq!(from_old_form(text), None, "{text}");
        }
    }

    #[test]
    fn a_number_inside_a_text_is_hidden() {
        assert_eq!(without_identity_numbers("req-150000198605021015-1"), "req-(hidden)-1");
        assert_eq!(without_identity_numbers("蒙15000019700101109x"), "蒙(hidden)");
        assert_eq!(without_identity_numbers("HD-2025-0001"), "HD-2025-0001");
        assert_eq!(without_identity_numbers("授权20250301001"), "授权20250301001");
    }
}
