//! Household property against the local limits (`rules.md` section 2.6; `semantics.md`, Property).

use super::facts::Facts;
use super::reasons::{Reasons, clause};
use crate::domain::exact::{Exact, Overflow};
use crate::policy::Rules;

/// One of the five tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PropertyTest {
    /// Deposits, securities and the like.
    Financial,
    /// Number of dwellings.
    Dwellings,
    /// Shops, offices and other rooms not lived in.
    NonResidential,
    /// Vehicles.
    Vehicle,
    /// Enterprises and the like.
    BusinessCapital,
}

impl PropertyTest {
    /// Every test, in the order of the rules.
    pub const ALL: [Self; 5] =
        [Self::Financial, Self::Dwellings, Self::NonResidential, Self::Vehicle, Self::BusinessCapital];

    /// The flag of a failure.
    pub const fn flag(self) -> &'static str {
        match self {
            Self::Financial => "PROPERTY_FINANCIAL_OVER_LIMIT",
            Self::Dwellings => "PROPERTY_DWELLINGS_OVER_LIMIT",
            Self::NonResidential => "PROPERTY_NON_RESIDENTIAL",
            Self::Vehicle => "PROPERTY_VEHICLE",
            Self::BusinessCapital => "PROPERTY_BUSINESS_CAPITAL",
        }
    }

    const fn bit(self) -> u8 {
        1 << (self as u8)
    }
}

/// What the household owns, summed.
#[derive(Debug, Clone, Copy)]
pub struct Property {
    /// Value of financial assets.
    pub financial: Exact,
    /// Dwellings that count.
    pub dwellings: u64,
    /// Rooms not lived in.
    pub non_residential: bool,
    /// A vehicle that counts.
    pub vehicle: bool,
    /// Value of business entities.
    pub business: Exact,
    /// Something was left out because the rules exempt it.
    pub exempted: bool,
}

/// Which tests fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Failures(u8);

impl Failures {
    /// Everything passes.
    pub const fn none(self) -> bool {
        self.0 == 0
    }

    /// One test fails.
    pub const fn contains(self, test: PropertyTest) -> bool {
        self.0 & test.bit() != 0
    }

    /// Dwellings are all that fails.
    pub const fn only_dwellings(self) -> bool {
        self.0 == PropertyTest::Dwellings.bit()
    }
}

/// True for the kinds that are financial assets.
pub fn is_financial(kind: &str) -> bool {
    matches!(kind, "DEPOSIT" | "SECURITIES" | "FUND" | "INSURANCE_CASH_VALUE" | "INTERNET_FINANCE" | "RECEIVABLE")
}

impl Property {
    /// Sums what the household owns.
    ///
    /// `count` is read of dwellings alone, where the text sums it, so `0` there is none. Of the other kinds the text asks
    /// whether there is any: a record of one is one whatever its `count`, and who owns none has no record.
    pub fn sum(facts: &Facts, rules: &Rules) -> Result<Self, Overflow> {
        let mut property = Self {
            financial: Exact::ZERO,
            dwellings: 0,
            non_residential: false,
            vehicle: false,
            business: Exact::ZERO,
            exempted: false,
        };
        for asset in &facts.assets {
            let kind = asset.kind.as_str();
            match kind {
                "DWELLING" if asset.exempt_kind.is_some() => property.exempted = true,
                "DWELLING" => property.dwellings += u64::from(asset.count),
                "NON_RESIDENTIAL" => property.non_residential = true,
                "VEHICLE" => {
                    let exempt =
                        asset.exempt_kind.as_ref().is_some_and(|kind| rules.vehicle_exempt_kinds.contains(kind));
                    property.exempted |= exempt;
                    property.vehicle |= !exempt;
                }
                "BUSINESS_ENTITY" => property.business = property.business.plus(asset.value.into())?,
                _ if is_financial(kind) => property.financial = property.financial.plus(asset.value.into())?,
                _ => {}
            }
        }
        Ok(property)
    }

    /// Which tests fail where financial assets may be up to `financial_limit`.
    pub fn failures(&self, rules: &Rules, financial_limit: Exact) -> Failures {
        let capital_limit = Exact::from(rules.business_capital_limit);
        let business_fails =
            self.business > Exact::ZERO && !rules.business_capital_comparison.admits(self.business, capital_limit);
        let failed = [
            (PropertyTest::Financial, !rules.financial_asset_limit.comparison.admits(self.financial, financial_limit)),
            (PropertyTest::Dwellings, self.dwellings > u64::from(rules.dwelling_max)),
            (PropertyTest::NonResidential, self.non_residential),
            (PropertyTest::Vehicle, self.vehicle),
            (PropertyTest::BusinessCapital, business_fails),
        ];
        Failures(failed.iter().filter(|(_, fails)| *fails).fold(0, |bits, (test, _)| bits | test.bit()))
    }
}

/// Notes which tests fail, or that none does; the latter only when no missing answer could still make one fail.
pub fn explain(failures: Failures, is_settled: bool, reasons: &mut Reasons) {
    for test in PropertyTest::ALL.into_iter().filter(|test| failures.contains(*test)) {
        reasons.flag(test.flag());
    }
    if failures.none() && is_settled {
        reasons.reason("PROPERTY_OK");
    }
    reasons.rests_on(&[clause::PROPERTY, clause::LOCAL_PROPERTY]);
}
