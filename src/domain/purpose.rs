//! `Purpose`: what a verification is for. A department answers for a purpose, not for curiosity.

use serde::{Deserialize, Serialize};

/// The purpose of a verification, each with its legal basis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// 最低生活保障 and the other circles decided with it: application, 57号 of 2021.
    Dibao,
    /// 特困人员救助供养, 43号 of 2021.
    Tekun,
    /// 低收入家庭（最低生活保障边缘家庭）认定.
    LowIncome,
    /// 刚性支出困难家庭认定.
    Expenditure,
    /// 临时救助, SC649 第四十七条.
    TemporaryRelief,
    /// 定期核查 of people already assisted, SC649 第十三条.
    PeriodicReview,
}

impl Purpose {
    /// Every purpose, in the order of the documentation.
    pub const ALL: [Self; 6] =
        [Self::Dibao, Self::Tekun, Self::LowIncome, Self::Expenditure, Self::TemporaryRelief, Self::PeriodicReview];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dibao => "dibao",
            Self::Tekun => "tekun",
            Self::LowIncome => "low_income",
            Self::Expenditure => "expenditure",
            Self::TemporaryRelief => "temporary_relief",
            Self::PeriodicReview => "periodic_review",
        }
    }

    /// Parses the name on the wire.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == text)
    }

    /// The clause that makes asking lawful for this purpose.
    pub const fn legal_basis(self) -> &'static str {
        match self {
            Self::Dibao | Self::LowIncome => "MCA2021-57#9",
            Self::Tekun => "MCA2021-43#4",
            Self::Expenditure => "MCA2024-57",
            Self::TemporaryRelief => "SC649#47",
            Self::PeriodicReview => "SC649#58",
        }
    }
}
