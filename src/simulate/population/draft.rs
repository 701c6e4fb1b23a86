//! A household being drawn: members, incomes and property are added piece by piece, and what each
//! adds to the verdict's figures is returned or noted as it is added.

use std::collections::BTreeSet;

use jiff::Span;
use jiff::civil::Date;

use super::person::{Persons, Sex};
use super::place::{Place, Places};
use crate::domain::declaration::{Capability, Obligor, Prior};
use crate::domain::fact::{EducationStage, ExpenditureKind, IncomeCategory, Kind};
use crate::domain::household::{LabourCapacity, MemberRef, RelationCode, Stability, UrbanRural};
use crate::domain::money::Money;
use crate::domain::period::Period;
use crate::simulate::case::{Asset, Expenditure, GivenIdNumber, Household, Income, Member, Other};
use crate::simulate::filing::{Extra, Kept};
use crate::simulate::random::Random;

/// The source of what only the household says.
pub const DECLARED: &str = "civil_affairs_declared";
/// The centrally fixed basic pension of a month (2025), in fen.
const BASIC_PENSION: i64 = 14_300;

/// A household being drawn.
pub struct Draft<'a> {
    /// All places.
    pub places: &'a Places,
    /// Where it applies.
    pub place: &'a Place,
    /// The day of the assessment.
    pub on: Date,
    /// The months that count.
    pub window: Period,
    /// Chance.
    pub random: &'a mut Random,
    persons: &'a mut Persons,
    /// What has been added so far.
    pub household: Household,
    /// Its past.
    pub prior: Option<Prior>,
    /// What departments keep besides.
    pub extras: Vec<Extra>,
    /// The flags that follow from what has been added.
    pub flags: BTreeSet<String>,
}

impl<'a> Draft<'a> {
    /// An empty household.
    pub fn new(
        places: &'a Places,
        place: &'a Place,
        on: Date,
        random: &'a mut Random,
        persons: &'a mut Persons,
    ) -> Self {
        let household = Household {
            hukou_region: places.hukou(place, random),
            income_stability: if random.chance(35) { Stability::Unstable } else { Stability::Stable },
            members: Vec::new(),
            incomes: Vec::new(),
            assets: Vec::new(),
            rigid_expenditures: Vec::new(),
            obligors: Vec::new(),
            events: Vec::new(),
            other: Other::new(),
        };
        let window = Period::months_before(on, 12);
        Self {
            places,
            place,
            on,
            window,
            random,
            persons,
            household,
            prior: None,
            extras: Vec::new(),
            flags: BTreeSet::new(),
        }
    }

    /// Notes a flag.
    pub fn flag(&mut self, flag: &str) {
        self.flags.insert(flag.to_owned());
    }

    /// Adds a member of working age or more: in work below 60, without labour capacity from 60 on.
    pub fn adult(&mut self, relation: &str, sex: Sex, ages: (i16, i16)) -> usize {
        let is_elderly = ages.0 >= 60;
        let position = self.household.members.len();
        let (id_number, birth_date) = self.persons.draw(sex, ages, self.on, self.random);
        self.household.members.push(Member {
            member_id: reference(position),
            id_number: GivenIdNumber(id_number.reveal().to_owned()),
            birth_date,
            name: None,
            sex_code: Some(sex.code().to_owned()),
            relation_code: RelationCode::parse(relation).expect("archetypes use codes of GB/T 4761"),
            death_date: None,
            exclusion: None,
            disability: None,
            severe_illness: false,
            education_stage: None,
            labour_capacity: if is_elderly { LabourCapacity::None } else { LabourCapacity::Full },
            employed: !is_elderly,
            authorised: true,
            obligor_in_household: true,
            adl_failed_count: 0,
            was_tekun: false,
            chose_orphan_benefit: false,
            job_refusals: 0,
            other: Other::new(),
        });
        position
    }

    /// Adds a child of school age, at the school of its age.
    pub fn child(&mut self, relation: Option<&str>, ages: (i16, i16)) -> usize {
        let sex = Sex::draw(self.random);
        let relation = relation.unwrap_or(if sex == Sex::Male { "20" } else { "30" });
        let position = self.adult(relation, sex, ages);
        let on = self.on;
        let vocational = self.random.chance(30);
        let member = self.member(position);
        member.labour_capacity = LabourCapacity::None;
        member.employed = false;
        member.education_stage = Some(match crate::domain::period::age_on(member.birth_date, on) {
            ..6 => EducationStage::Preschool,
            6..12 => EducationStage::Primary,
            12..15 => EducationStage::Junior,
            _ if vocational => EducationStage::SecondaryVocational,
            _ => EducationStage::SeniorHigh,
        });
        position
    }

    /// Adds a couple of working age with a child: the family most archetypes begin with.
    pub fn family(&mut self) -> [usize; 3] {
        let head = self.adult("02", Sex::Male, (34, 52));
        let spouse = self.adult("12", Sex::Female, (33, 50));
        let child = self.child(None, (6, 17));
        [head, spouse, child]
    }

    /// A member.
    pub fn member(&mut self, position: usize) -> &mut Member {
        self.household.members.get_mut(position).expect("positions come from adding members")
    }

    /// How the household names a member.
    pub fn reference(&self, position: usize) -> MemberRef {
        reference(position)
    }

    /// An amount of `low` to `high` percent of the dibao line of `persons`.
    pub fn share(&mut self, persons: usize, low: i64, high: i64) -> i64 {
        let line = self.place.line(persons);
        self.random.between(line / 100 * low, line / 100 * high)
    }

    /// Adds income that a source knows.
    pub fn income(
        &mut self,
        member: usize,
        category: IncomeCategory,
        kind: &'static str,
        fen: i64,
        source: &str,
    ) -> &mut Income {
        self.household.incomes.push(Income {
            member_id: reference(member),
            category,
            kind: Kind::of(kind),
            amount_12m: Money::from_fen(fen),
            basic_portion_12m: None,
            dedupe_key: None,
            paid_after_death: false,
            source: source.to_owned(),
            other: Other::new(),
        });
        self.household.incomes.last_mut().expect("it was just added")
    }

    /// Adds declared income of a farm or a small business.
    pub fn business(&mut self, member: usize, fen: i64) {
        let kind = if self.place.urban_rural == UrbanRural::Rural { "FARMING" } else { "BUSINESS" };
        self.income(member, IncomeCategory::Operating, kind, fen, DECLARED);
    }

    /// Adds income that does not count, and its flag.
    pub fn exempt(&mut self, member: usize, kind: &'static str, fen: i64, source: &str) {
        self.income(member, IncomeCategory::Transfer, kind, fen, source);
        self.flag(&format!("INCOME_EXEMPT_{kind}"));
    }

    /// Adds a wage whose countable part is `countable`, or up to ten fen less; returns that part.
    pub fn wage(&mut self, member: usize, countable: i64, source: &str) -> i64 {
        let kept = 100 - self.place.employment_percent;
        // A multiple of 100 fen, so that the percentage is exact.
        let gross = countable / kept * 100;
        self.income(member, IncomeCategory::Wage, "WAGE", gross, source);
        self.flag("EMPLOYMENT_COST_DEDUCTED");
        gross / 100 * kept
    }

    /// Adds a resident pension; returns what of it counts.
    pub fn resident_pension(&mut self, member: usize) -> i64 {
        let basic = BASIC_PENSION * 12;
        let personal = self.random.between(2_000, 9_000) * 12;
        self.income(member, IncomeCategory::Transfer, "PENSION_RESIDENT", basic + personal, "hrss").basic_portion_12m =
            Some(Money::from_fen(basic));
        if self.on <= self.place.basic_exempt_until {
            self.flag("BASIC_PENSION_PORTION_EXEMPT");
            personal
        } else {
            self.flag("BASIC_PENSION_EXEMPTION_EXPIRED");
            basic + personal
        }
    }

    /// Adds a son or daughter living apart, whose household has `income` and supports everybody here.
    pub fn obligor(&mut self, size: u32, income: i64) -> &mut Obligor {
        let supports: Vec<MemberRef> = (0..self.household.members.len()).map(reference).collect();
        let relation = if self.random.chance(50) { "20" } else { "30" };
        self.household.obligors.push(Obligor {
            obligor_id: format!("o{}", self.household.obligors.len() + 1),
            relation_code: RelationCode::parse(relation).expect("20 and 30 are codes of GB/T 4761"),
            supported_total: u32::try_from(supports.len()).unwrap_or(1),
            supports,
            household_size: size,
            household_income_12m: Money::from_fen(income),
            capability: Capability::Able,
            judgment_12m: None,
        });
        self.household.obligors.last_mut().expect("it was just added")
    }

    /// Adds property.
    pub fn asset(&mut self, kind: &'static str, fen: i64, source: &str) -> &mut Asset {
        self.household.assets.push(Asset {
            kind: Kind::of(kind),
            value: Money::from_fen(fen),
            count: None,
            area_m2: None,
            exempt_kind: None,
            source: source.to_owned(),
            other: Other::new(),
        });
        self.household.assets.last_mut().expect("it was just added")
    }

    /// Adds the property of an ordinary household of `persons` counted members: some savings within
    /// the limit, and one dwelling or public housing.
    pub fn ordinary_property(&mut self, persons: usize) {
        let limit = self.place.asset_limit(persons);
        let savings = if self.random.chance(5) { limit } else { self.random.between(0, limit / 2) / 100 * 100 };
        self.asset("DEPOSIT", savings, DECLARED);
        if self.random.chance(20) {
            let since = self.window.from.saturating_sub(Span::new().days(self.random.between(30, 3000)));
            let member = self.first_counted();
            self.extras.push(Extra { member, kept: Kept::PublicHousing(since) });
        } else {
            self.dwellings(1);
        }
        if self.random.chance(15) {
            let member = self.first_counted();
            self.extras.push(Extra { member, kept: Kept::Chronic });
        }
        if self.random.chance(25) {
            let member = self.first_counted();
            self.extras.push(Extra { member, kept: Kept::MedicalAid(Money::from_fen(40_000)) });
        }
    }

    /// Adds dwellings under sale contracts.
    pub fn dwellings(&mut self, count: u32) {
        let price = self.random.between(60_000, 420_000) * 100;
        let area = self.random.between(4_000, 11_000) * i64::from(count);
        let dwelling = self.asset("DWELLING", price * i64::from(count), "housing");
        dwelling.count = Some(count);
        dwelling.area_m2 = Some(Money::from_fen(area).yuan());
    }

    fn first_counted(&self) -> MemberRef {
        let position = self
            .household
            .members
            .iter()
            .position(|member| member.death_date.is_none() && member.exclusion.is_none())
            .unwrap_or(0);
        reference(position)
    }

    /// Adds a bill paid on a day.
    pub fn bill(
        &mut self,
        member: usize,
        kind: ExpenditureKind,
        gross: i64,
        covered: i64,
        paid_on: Date,
        source: &str,
    ) -> &mut Expenditure {
        self.household.rigid_expenditures.push(Expenditure {
            member_id: reference(member),
            kind,
            gross: Money::from_fen(gross),
            covered: Money::from_fen(covered),
            paid_on,
            public_benchmark: None,
            source: source.to_owned(),
            other: Other::new(),
        });
        self.household.rigid_expenditures.last_mut().expect("it was just added")
    }

    /// Adds medical bills of which the household bore `own`, in three settlements of the window.
    pub fn medical_bills(&mut self, member: usize, own: i64) {
        let parts = [own / 2, own / 3, own - own / 2 - own / 3];
        for (part, month) in parts.into_iter().zip([2, 5, 9]) {
            let covered = part / 100 * self.random.between(80, 220);
            let paid_on = self.window.from.saturating_add(Span::new().months(month).days(self.random.between(0, 25)));
            self.bill(member, ExpenditureKind::Medical, part + covered, covered, paid_on, "medical_insurance");
        }
    }

    /// The fifth of September in the window: when schools are paid.
    pub fn september(&self) -> Date {
        let this_year = Date::new(self.window.to.year(), 9, 5).unwrap_or(self.window.to);
        if self.window.contains(this_year) { this_year } else { this_year.saturating_sub(Span::new().years(1)) }
    }
}

/// How a household names the member at a position.
fn reference(position: usize) -> MemberRef {
    MemberRef::parse(&format!("m{}", position + 1)).expect("m and a number is a member reference")
}
