//! Whether a secret can have been drawn at random: what somebody typed, or left as it was shown, can not.

/// Keys that stand in examples somewhere.
const SHOWN: &[&str] = &["0123456789abcdef", "deadbeef", "cafebabe", "00010203", "changeme", "secret"];
/// Fewest different bytes among 32 that were drawn at random. Fewer than 20 come in less than one of 10^9 draws.
const DIFFERENT: usize = 20;

/// Whether nobody drew these 32 bytes: all the same, a few that repeat, or counted up or down.
pub fn is_weak(secret: &[u8]) -> bool {
    let mut seen = [false; 256];
    let mut different = 0;
    for byte in secret {
        if let Some(seen) = seen.get_mut(usize::from(*byte)) {
            different += usize::from(!*seen);
            *seen = true;
        }
    }
    let steps = |step: u8| secret.windows(2).all(|pair| matches!(pair, [a, b] if a.wrapping_add(step) == *b));
    different < DIFFERENT.min(secret.len()) || (0..=u8::MAX).any(steps)
}

/// Whether a sealing key in hexadecimal is one that nobody drew, or that an example shows.
pub fn is_weak_hex(text: &str) -> bool {
    let text = text.trim().to_ascii_lowercase();
    SHOWN.iter().any(|shown| text.starts_with(shown) || text.ends_with(shown))
        || super::wrap::parse_key(&text).is_ok_and(|secret| is_weak(secret.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_nobody_drew_are_weak_and_drawn_ones_are_not() {
        let counted: Vec<u8> = (0..32).collect();
        let counted = crate::domain::hex::hex(&counted);
        for weak in [
            "0".repeat(64),
            "ff".repeat(32),
            "0123456789abcdef".repeat(4),
            "1a2b3c4d".repeat(8),
            counted,
            format!("deadbeef{}", "8f3a".repeat(14)),
        ] {
            assert!(is_weak_hex(&weak), "{weak}");
        }
        assert!(!is_weak_hex("8f1c94a27be03d5566c0d9137a42fe81b75d0a6ec3984f12d86b27f95e41c03a"));
        // A million draws of a generator that is not in question here would take too long; some thousands do.
        let mut state = 7_u64;
        for _ in 0..5_000 {
            let mut secret = [0_u8; 32];
            for byte in &mut secret {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                *byte = state.to_be_bytes()[1];
            }
            assert!(!is_weak(&secret), "{secret:?}");
        }
    }
}
