//! `Exact`: a rational number of fen. Totals stay exact until the last step (promise P4).

use std::cmp::Ordering;

use super::money::Money;

/// A rational number of fen: numerator over a positive denominator, in `i128`.
///
/// Amounts from outside are at most 10^15 fen and denominators come from percentages and numbers of
/// persons, so products stay far inside `i128`; the operations are checked all the same.
#[derive(Debug, Clone, Copy)]
pub struct Exact {
    numerator: i128,
    denominator: i128,
}

/// An amount too large to compute with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an amount is too large to compute with")]
pub struct Overflow;

impl Exact {
    /// Zero.
    pub const ZERO: Self = Self { numerator: 0, denominator: 1 };

    /// A whole number of fen.
    pub const fn from_fen(fen: i64) -> Self {
        Self { numerator: fen as i128, denominator: 1 }
    }

    /// The sum.
    #[inline]
    pub fn plus(self, other: Self) -> Result<Self, Overflow> {
        if self.denominator == other.denominator {
            let numerator = self.numerator.checked_add(other.numerator).ok_or(Overflow)?;
            return Ok(Self { numerator, denominator: self.denominator });
        }
        self.plus_unlike(other)
    }

    fn plus_unlike(self, other: Self) -> Result<Self, Overflow> {
        let left = self.numerator.checked_mul(other.denominator).ok_or(Overflow)?;
        let right = other.numerator.checked_mul(self.denominator).ok_or(Overflow)?;
        let denominator = self.denominator.checked_mul(other.denominator).ok_or(Overflow)?;
        Ok(Self { numerator: left.checked_add(right).ok_or(Overflow)?, denominator }.reduced())
    }

    /// The difference.
    #[inline]
    pub fn minus(self, other: Self) -> Result<Self, Overflow> {
        self.plus(other.negated())
    }

    /// `self × numerator ÷ denominator`. The denominator must be above zero.
    #[inline]
    pub fn scale(self, numerator: i64, denominator: i64) -> Result<Self, Overflow> {
        if denominator <= 0 {
            return Err(Overflow);
        }
        if numerator == denominator {
            return Ok(self);
        }
        if let Some(fen) = self.whole_fen() {
            // Two 64-bit factors always fit 128 bits, and the product of amounts and percentages nearly always 64.
            let top = i128::from(fen) * i128::from(numerator);
            return Ok(match i64::try_from(top) {
                Ok(small) if small % denominator == 0 => Self::from_fen(small / denominator),
                _ => Self { numerator: top, denominator: i128::from(denominator) }.reduced(),
            });
        }
        let top = self.numerator.checked_mul(i128::from(numerator)).ok_or(Overflow)?;
        let bottom = self.denominator.checked_mul(i128::from(denominator)).ok_or(Overflow)?;
        Ok(Self { numerator: top, denominator: bottom }.reduced())
    }

    /// The number of fen when it is whole and fits 64 bits: what nearly every amount is.
    #[inline]
    fn whole_fen(self) -> Option<i64> {
        if self.denominator == 1 { i64::try_from(self.numerator).ok() } else { None }
    }

    /// `self ÷ divisor`, rounded half up to the fen. The divisor must be above zero.
    pub fn share(self, divisor: i64) -> Result<Money, Overflow> {
        if divisor <= 0 {
            return Err(Overflow);
        }
        let denominator = self.denominator.checked_mul(i128::from(divisor)).ok_or(Overflow)?;
        Self { numerator: self.numerator, denominator }.round_half_up()
    }

    /// The number with its sign turned.
    #[inline]
    pub const fn negated(self) -> Self {
        Self { numerator: -self.numerator, denominator: self.denominator }
    }

    /// Zero when negative, itself otherwise.
    #[inline]
    pub const fn floored_at_zero(self) -> Self {
        if self.numerator < 0 { Self::ZERO } else { self }
    }

    /// True below zero.
    #[inline]
    pub const fn is_negative(self) -> bool {
        self.numerator < 0
    }

    /// The number a whole number of times.
    #[inline]
    pub fn times(self, factor: i64) -> Result<Self, Overflow> {
        let numerator = self.numerator.checked_mul(i128::from(factor)).ok_or(Overflow)?;
        Ok(Self { numerator, denominator: self.denominator })
    }

    /// The largest whole number of fen that is not above the number.
    #[inline]
    pub fn floor_fen(self) -> Result<i64, Overflow> {
        if let Some(fen) = self.whole_fen() {
            return Ok(fen);
        }
        if let (Ok(top), Ok(bottom)) = (i64::try_from(self.numerator), i64::try_from(self.denominator)) {
            // A division of 128 bits costs ten times as much.
            return Ok(top.div_euclid(bottom));
        }
        i64::try_from(self.numerator.div_euclid(self.denominator)).map_err(|_| Overflow)
    }

    /// The smallest whole number of fen that is not below the number.
    pub fn ceil_fen(self) -> Result<i64, Overflow> {
        self.negated().floor_fen().map(|floor| -floor)
    }

    /// The number half-way to another one.
    pub fn midpoint(self, other: Self) -> Result<Self, Overflow> {
        self.plus(other)?.scale(1, 2)
    }

    /// Rounded half up to the fen, away from zero for negative amounts.
    #[inline]
    pub fn round_half_up(self) -> Result<Money, Overflow> {
        if self.denominator == 1 {
            return i64::try_from(self.numerator).map(Money::from_fen).map_err(|_| Overflow);
        }
        if let (Ok(top), Ok(bottom)) = (i64::try_from(self.numerator), i64::try_from(self.denominator)) {
            // As below, in 64 bits: a division of 128 costs ten times as much.
            let (size, bottom) = (top.unsigned_abs(), bottom.unsigned_abs());
            let (whole, rest) = (size / bottom, size % bottom);
            let rounded = i64::try_from(whole + u64::from(rest >= bottom - rest)).map_err(|_| Overflow)?;
            return Ok(Money::from_fen(if top < 0 { -rounded } else { rounded }));
        }
        // The remainder is compared with what it leaves of the divisor, so nothing is doubled and nothing overflows.
        let (size, bottom) = (self.numerator.unsigned_abs(), self.denominator.unsigned_abs());
        let (whole, rest) = (size / bottom, size % bottom);
        let rounded = i64::try_from(whole + u128::from(rest >= bottom - rest)).map_err(|_| Overflow)?;
        Ok(Money::from_fen(if self.numerator < 0 { -rounded } else { rounded }))
    }

    /// The same number with smaller parts, when they have grown. Small parts stay as they are: comparisons
    /// multiply crosswise and do not need lowest terms, and a common divisor costs more than the rest of a sum.
    const fn reduced(self) -> Self {
        const ROOM: i128 = 1 << 40;
        if self.denominator == 1
            || (self.denominator < ROOM && -ROOM * ROOM < self.numerator && self.numerator < ROOM * ROOM)
        {
            return self;
        }
        let divisor = greatest_common_divisor(self.numerator.unsigned_abs(), self.denominator.unsigned_abs());
        if divisor <= 1 {
            return self;
        }
        #[expect(clippy::cast_possible_wrap, reason = "a divisor of an i128 above zero fits an i128")]
        let divisor = divisor as i128;
        Self { numerator: self.numerator / divisor, denominator: self.denominator / divisor }
    }
}

const fn greatest_common_divisor(mut left: u128, mut right: u128) -> u128 {
    while right != 0 {
        // Division of 128 bits costs ten times that of 64, and amounts nearly always fit 64.
        if left <= u64::MAX as u128 && right <= u64::MAX as u128 {
            #[expect(clippy::cast_possible_truncation, reason = "both were just compared with the largest u64")]
            let (mut small, mut smaller) = (left as u64, right as u64);
            while smaller != 0 {
                (small, smaller) = (smaller, small % smaller);
            }
            return small as u128;
        }
        (left, right) = (right, left % right);
    }
    left
}

impl From<Money> for Exact {
    #[inline]
    fn from(money: Money) -> Self {
        Self::from_fen(money.fen())
    }
}

impl PartialEq for Exact {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Exact {}

impl PartialOrd for Exact {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Exact {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        if self.denominator == other.denominator {
            return self.numerator.cmp(&other.numerator);
        }
        self.cmp_unlike(other)
    }
}

impl Exact {
    fn cmp_unlike(&self, other: &Self) -> Ordering {
        // Amounts are bounded (see the type), so the products do not overflow; saturation keeps the order even if they did.
        let left = self.numerator.saturating_mul(other.denominator);
        let right = other.numerator.saturating_mul(self.denominator);
        left.cmp(&right)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_stay_exact_until_rounded() {
        let third = Exact::from_fen(100).scale(1, 3).unwrap();
        let whole = third.plus(third).unwrap().plus(third).unwrap();
        assert_eq!(whole, Exact::from_fen(100));
        assert_eq!(third.round_half_up(), Ok(Money::from_fen(33)));
        assert_eq!(Exact::from_fen(1).scale(1, 2).unwrap().round_half_up(), Ok(Money::from_fen(1)));
        assert_eq!(Exact::from_fen(-1).scale(1, 2).unwrap().round_half_up(), Ok(Money::from_fen(-1)));
    }

    #[test]
    fn floor_and_ceiling_enclose_fractions_of_either_sign() {
        let half = Exact::from_fen(-3).scale(1, 2).unwrap();
        assert_eq!((half.floor_fen(), half.ceil_fen()), (Ok(-2), Ok(-1)));
        assert_eq!((half.negated().floor_fen(), half.negated().ceil_fen()), (Ok(1), Ok(2)));
        assert_eq!((Exact::from_fen(7).floor_fen(), Exact::from_fen(7).ceil_fen()), (Ok(7), Ok(7)));
    }

    #[test]
    fn a_share_rounds_once_and_large_parts_are_reduced() {
        assert_eq!(Exact::from_fen(100).scale(1, 3).unwrap().share(4), Ok(Money::from_fen(8)));
        assert_eq!(Exact::from_fen(5).share(2), Ok(Money::from_fen(3)));
        assert_eq!(Exact::from_fen(5).share(0), Err(Overflow));
        let mut number = Exact::from_fen(1_000_000_000_000_000);
        for _ in 0..40 {
            number = number.scale(1, 997).unwrap().scale(997, 1).unwrap();
        }
        assert_eq!(number, Exact::from_fen(1_000_000_000_000_000));
    }

    proptest::proptest! {
        #[test]
        fn small_and_large_parts_give_the_same_number(
            fen in proptest::prelude::any::<i64>(), numerator in -1_000_000_000_i64..1_000_000_000,
            denominator in 1_i64..1_000_000_000, common in 2_i64..1_000_000,
        ) {
            let small = Exact::from_fen(fen).scale(numerator, denominator).unwrap();
            // The same number with parts that 64 bits do not hold.
            let large = Exact {
                numerator: i128::from(fen) * i128::from(numerator) * i128::from(common),
                denominator: i128::from(denominator) * i128::from(common),
            };
            proptest::prop_assert_eq!(small, large);
            proptest::prop_assert_eq!(small.round_half_up(), large.round_half_up());
            proptest::prop_assert_eq!((small.floor_fen(), small.ceil_fen()), (large.floor_fen(), large.ceil_fen()));
        }

        #[test]
        fn rounding_is_half_up_away_from_zero(top in -1_000_000_000_000_i64..1_000_000_000_000, bottom in 1_i64..1_000_000) {
            let rounded = Exact::from_fen(top).scale(1, bottom).unwrap().round_half_up().unwrap().fen();
            let (top, bottom) = (i128::from(top), i128::from(bottom));
            let twice_off = (2 * (i128::from(rounded).abs() * bottom - top.abs())).abs();
            proptest::prop_assert!(twice_off <= bottom && i128::from(rounded) * top >= 0);
            proptest::prop_assert!(twice_off < bottom || i128::from(rounded).abs() * bottom > top.abs(), "half goes up");
        }

        #[test]
        fn order_and_sum_agree_with_integers(a in -1_000_000_000_i64..1_000_000_000, b in -1_000_000_000_i64..1_000_000_000, d in 1_i64..10_000) {
            let (left, right) = (Exact::from_fen(a).scale(1, d).unwrap(), Exact::from_fen(b).scale(1, d).unwrap());
            proptest::prop_assert_eq!(left.cmp(&right), a.cmp(&b));
            proptest::prop_assert_eq!(left.plus(right).unwrap(), Exact::from_fen(a + b).scale(1, d).unwrap());
        }
    }
}
