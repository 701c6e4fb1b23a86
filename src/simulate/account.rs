//! Synthetic account numbers and credit codes: the same payment has the same ones in every department.

use super::random::number_of;

const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";

/// A bank account of 19 digits with a prefix that no bank has.
pub fn bank_account(of: &str) -> String {
    format!("62000000{:011}", number_of(&format!("account {of}")) % 100_000_000_000)
}

/// A credit code (统一社会信用代码, GB 32100) with the division 150000, which registers nobody.
pub fn credit_code(of: &str) -> String {
    let body = format!("91150000{:09}", number_of(&format!("employer {of}")) % 1_000_000_000);
    let check = credit_code_check(&body);
    format!("{body}{check}")
}

/// The check character of GB 32100: weights are powers of three, modulus 31.
fn credit_code_check(body: &str) -> char {
    let mut weight = 1;
    let mut sum = 0;
    for byte in body.bytes() {
        let value = ALPHABET.iter().position(|known| *known == byte).unwrap_or(0);
        sum += value * weight;
        weight = weight * 3 % 31;
    }
    let check = (31 - sum % 31) % 31;
    ALPHABET.get(check).map_or('0', |byte| char::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_character_is_that_of_published_codes() {
        for code in ["91100000100003962T", "914403001922038216", "9144030071526726XG"] {
            let (body, check) = code.split_at(17);
            assert_eq!(credit_code_check(body).to_string(), check, "{code}");
        }
    }

    #[test]
    fn one_payment_has_one_account() {
        assert_eq!(bank_account("C80 k"), bank_account("C80 k"));
        assert_ne!(bank_account("C80 k"), bank_account("C81 k"));
        assert_eq!((bank_account("x").len(), credit_code("x").len()), (19, 18));
    }
}
