//! The id of a verdict: SHA-256 over facts, rules and engine version, so that the same three give the same id
//! (promise P3; `docs/decisions/0012-the-id-hashes-a-canonical-encoding.md`).
//!
//! What is hashed is a canonical encoding: every field in the order of its declaration, texts and lists after
//! their length, numbers as variable-length integers, what may be absent after a bit that says whether it is
//! there. Two different sets of facts never have the same encoding. It is never decoded.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Serialize, Serializer};

use super::ENGINE_VERSION;
use super::facts::{AssetItem, ExpenditureItem, FactGap, Facts, IncomeItem, MemberFacts, Source, SparedQuestion};
use crate::domain::declaration::{Event, Obligor, Prior};
use crate::domain::money::Money;

/// The id of a verdict; `vd_` and 64 hexadecimal digits as text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VerdictId([u8; 32]);

impl VerdictId {
    /// The id of the verdict on these facts by the rules with this digest.
    pub(super) fn of(facts: &Facts, rules: &str) -> Self {
        // The facts of a household of three take about three hundred bytes.
        let mut encoding = Encoding(Vec::with_capacity(1024));
        encoding.text("hedui verdict");
        encoding.text(ENGINE_VERSION);
        encoding.text(rules);
        encoding.facts(facts);
        let mut id = [0; 32];
        id.copy_from_slice(digest(&SHA256, &encoding.0).as_ref());
        Self(id)
    }
}

impl fmt::Display for VerdictId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = *b"vd_0000000000000000000000000000000000000000000000000000000000000000";
        let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
        let digits = text.iter_mut().skip(3);
        let nibbles = self.0.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        digits.zip(nibbles).for_each(|(slot, nibble)| *slot = digit(nibble));
        formatter.write_str(std::str::from_utf8(&text).expect("hexadecimal digits are ASCII"))
    }
}

impl fmt::Debug for VerdictId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl Serialize for VerdictId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

struct Encoding(Vec<u8>);

/// What may be absent, as one number: a bit each, the first the lowest.
fn bits<const N: usize>(present: [bool; N]) -> u64 {
    present.into_iter().rev().fold(0, |bits, one| bits << 1 | u64::from(one))
}

impl Encoding {
    #[inline]
    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.0.push(number.to_le_bytes()[0]);
    }

    /// Zigzag: small numbers of either sign are short.
    #[inline]
    fn signed(&mut self, number: i64) {
        self.number((number << 1 ^ number >> 63).cast_unsigned());
    }

    #[inline]
    fn money(&mut self, money: Money) {
        self.signed(money.fen());
    }

    #[inline]
    fn text(&mut self, text: &str) {
        self.list(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }

    #[inline]
    fn list(&mut self, length: usize) {
        self.number(u64::try_from(length).unwrap_or(u64::MAX));
    }

    #[inline]
    fn date(&mut self, date: Date) {
        self.signed(i64::from(date.year()));
        self.0.extend_from_slice(&[date.month().cast_unsigned(), date.day().cast_unsigned()]);
    }

    fn instant(&mut self, at: Timestamp) {
        self.signed(at.as_second());
        self.signed(i64::from(at.subsec_nanosecond()));
    }

    /// A department's id is never empty, so no text stands for the declaration.
    fn source(&mut self, source: &Source) {
        match source {
            Source::Department(id) => self.text(id.as_str()),
            Source::Declared => self.list(0),
        }
    }

    fn facts(&mut self, facts: &Facts) {
        let Facts {
            assessed_on,
            hukou_region,
            emergency_only,
            stability,
            members,
            incomes,
            assets,
            expenditures,
            obligors,
            events,
            prior,
            gaps,
            spared,
        } = facts;
        self.date(*assessed_on);
        self.text(hukou_region.as_str());
        self.number(bits([*emergency_only]));
        self.number(*stability as u64);
        self.each(members, Self::member);
        self.each(incomes, Self::income);
        self.each(assets, Self::asset);
        self.each(expenditures, Self::expenditure);
        self.each(obligors, Self::obligor);
        self.each(events, Self::event);
        self.prior(prior);
        self.each(gaps, Self::gap);
        // The last part: where the encoding ends before it, nothing was spared.
        if !spared.is_empty() {
            self.each(spared, Self::spared);
        }
    }

    fn each<T>(&mut self, items: &[T], encode: fn(&mut Self, &T)) {
        self.list(items.len());
        for item in items {
            encode(self, item);
        }
    }

    fn member(&mut self, member: &MemberFacts) {
        let MemberFacts {
            reference,
            born_on,
            relation,
            death_date,
            exclusion,
            disability,
            severe_illness,
            education_stage,
            labour_capacity,
            employed,
            authorised,
            obligor_in_household,
            adl_failed_count,
            was_tekun,
            chose_orphan_benefit,
            job_refusals,
        } = member;
        self.text(reference.as_str());
        self.date(*born_on);
        self.0.extend_from_slice(relation.as_bytes());
        self.number(bits([
            death_date.is_some(),
            exclusion.is_some(),
            disability.is_some(),
            education_stage.is_some(),
            *severe_illness,
            *employed,
            *authorised,
            *obligor_in_household,
            *was_tekun,
            *chose_orphan_benefit,
        ]));
        if let Some(day) = death_date {
            self.date(*day);
        }
        if let Some(ground) = exclusion {
            self.text(ground.as_str());
        }
        if let Some(disability) = disability {
            self.0.extend_from_slice(&[disability.category, disability.grade]);
        }
        if let Some(stage) = education_stage {
            self.number(*stage as u64);
        }
        self.number(*labour_capacity as u64);
        self.0.extend_from_slice(&[*adl_failed_count, *job_refusals]);
    }

    fn income(&mut self, item: &IncomeItem) {
        let IncomeItem {
            member,
            category,
            kind,
            amount_12m,
            basic_portion_12m,
            paid_after_death,
            dedupe_key,
            source,
            evidence,
        } = item;
        self.list(*member);
        self.number(*category as u64);
        self.text(kind.as_str());
        self.money(*amount_12m);
        self.number(bits([basic_portion_12m.is_some(), dedupe_key.is_some(), *paid_after_death]));
        if let Some(basic) = basic_portion_12m {
            self.money(*basic);
        }
        if let Some(key) = dedupe_key {
            self.text(key);
        }
        self.source(source);
        self.number(evidence.0.into());
    }

    fn asset(&mut self, item: &AssetItem) {
        let AssetItem { kind, value, count, exempt_kind, source, evidence } = item;
        self.text(kind.as_str());
        self.money(*value);
        self.number(u64::from(*count));
        // A kind is never empty.
        self.text(exempt_kind.as_ref().map_or("", |kind| kind.as_str()));
        self.source(source);
        self.number(evidence.0.into());
    }

    fn expenditure(&mut self, item: &ExpenditureItem) {
        let ExpenditureItem { member, kind, gross, covered, paid_on, public_benchmark, source, evidence } = item;
        self.list(*member);
        self.number(*kind as u64);
        self.money(*gross);
        self.money(*covered);
        self.date(*paid_on);
        self.number(bits([public_benchmark.is_some()]));
        if let Some(cap) = public_benchmark {
            self.money(*cap);
        }
        self.source(source);
        self.number(evidence.0.into());
    }

    fn obligor(&mut self, obligor: &Obligor) {
        let Obligor {
            obligor_id,
            relation_code,
            supports,
            supported_total,
            household_size,
            household_income_12m,
            capability,
            judgment_12m,
        } = obligor;
        self.text(obligor_id);
        self.0.extend_from_slice(relation_code.as_bytes());
        self.each(supports, |encoding, reference| encoding.text(reference.as_str()));
        self.number(u64::from(*supported_total));
        self.number(u64::from(*household_size));
        self.money(*household_income_12m);
        self.number(*capability as u64);
        self.number(bits([judgment_12m.is_some()]));
        if let Some(judged) = judgment_12m {
            self.money(*judged);
        }
    }

    fn event(&mut self, event: &Event) {
        let Event { kind, route, occurred_at, reported_at, first_aid_at, place_region } = event;
        self.text(kind.as_str());
        self.text(route.as_str());
        self.instant(*occurred_at);
        self.instant(*reported_at);
        self.number(bits([first_aid_at.is_some()]));
        if let Some(at) = first_aid_at {
            self.instant(*at);
        }
        self.text(place_region.as_str());
    }

    fn prior(&mut self, prior: &Prior) {
        let Prior {
            member_in_other_household,
            circle,
            exceeded_by_employment,
            months_since_exceeded,
            monthly_total,
            reviewed_on,
            countable_income_12m,
            household_size,
        } = prior;
        self.number(bits([
            member_in_other_household.is_some(),
            circle.is_some(),
            months_since_exceeded.is_some(),
            monthly_total.is_some(),
            *exceeded_by_employment,
            reviewed_on.is_some(),
            countable_income_12m.is_some(),
            household_size.is_some(),
        ]));
        if let Some(reference) = member_in_other_household {
            self.text(reference.as_str());
        }
        if let Some(circle) = circle {
            self.text(circle.as_str());
        }
        if let Some(months) = months_since_exceeded {
            self.number(u64::from(*months));
        }
        if let Some(total) = monthly_total {
            self.money(*total);
        }
        if let Some(day) = reviewed_on {
            self.date(*day);
        }
        if let Some(income) = countable_income_12m {
            self.money(*income);
        }
        if let Some(size) = household_size {
            self.number(u64::from(*size));
        }
    }

    fn spared(&mut self, question: &SparedQuestion) {
        let SparedQuestion { department, dataset, fact, members, is_read } = question;
        self.text(department.as_str());
        self.text(dataset.as_str());
        self.number(*fact as u64);
        self.each(members, |encoding, member| encoding.list(*member));
        self.number(bits([*is_read]));
    }

    fn gap(&mut self, gap: &FactGap) {
        let FactGap { department, reason, effects, ages, members } = gap;
        self.text(department.as_str());
        self.number(*reason as u64);
        self.each(effects, |encoding, effect| encoding.number(*effect as u64));
        self.number(bits([ages.is_some(), !members.is_empty()]));
        if let Some((youngest, oldest)) = ages {
            self.signed(i64::from(*youngest));
            self.signed(i64::from(*oldest));
        }
        if !members.is_empty() {
            self.each(members, |encoding, member| encoding.list(*member));
        }
    }
}
