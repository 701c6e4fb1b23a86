//! Filing: households of the case format become rows of the six departments' books, and what no
//! department holds becomes the household's declaration.
//!
//! Pure: nothing is written here. The same households give the same rows in the same order.

use std::collections::BTreeSet;

use jiff::Span;
use jiff::civil::Date;
use serde::Serialize;

use super::account::{bank_account, credit_code};
use super::case::{Asset, Case, DepartmentStatus, Expenditure, Income, Member};
use super::declared;
use super::department::education::{self, Education};
use super::department::emergency::{self, Emergency};
use super::department::health::{self, Health};
use super::department::housing::{self, Housing};
use super::department::hrss::{self, Hrss};
use super::department::medical_insurance::{self, MedicalInsurance};
use super::department::{DEPARTMENTS, Native, Payment, Person, Table, Unfiled};
use crate::domain::dataset::{Catalogue, DatasetId};
use crate::domain::declaration::{Declaration, DeclaredMember};
use crate::domain::fact::IncomeCategory;
use crate::domain::household::MemberRef;
use crate::domain::id_number::IdNumber;
use crate::domain::money::Money;
use crate::domain::period::{Period, age_on};
use crate::domain::problem::Text;

/// Something a department keeps of a member that no verdict rests on, or a lie of the household.
#[derive(Debug, Clone)]
pub struct Extra {
    /// The member.
    pub member: MemberRef,
    /// What there is about the member.
    pub kept: Kept,
}

/// What a department keeps besides.
#[derive(Debug, Clone)]
pub enum Kept {
    /// Lives in public housing since this day.
    PublicHousing(Date),
    /// Saves in the housing provident fund, with this balance.
    ProvidentFund(Money),
    /// Is registered with a chronic disease.
    Chronic,
    /// Had this much of the insurance premium paid by medical aid.
    MedicalAid(Money),
    /// Is registered as employed, and the household says otherwise.
    DeniedWork,
}

/// The six departments' books.
#[derive(Debug, Default)]
pub struct Silos {
    education: Education,
    hrss: Hrss,
    housing: Housing,
    health: Health,
    emergency: Emergency,
    medical_insurance: MedicalInsurance,
}

impl Silos {
    /// Each department's id, how it keeps its records, and these.
    pub fn into_stores(self) -> [(&'static str, Native, Vec<Table>); 6] {
        [
            ("education", Native::Sqlite(education::SCHEMA), self.education.tables()),
            ("hrss", Native::Sqlite(hrss::SCHEMA), self.hrss.tables()),
            ("housing", Native::Sqlite(housing::SCHEMA), self.housing.tables()),
            ("health", Native::Sqlite(health::SCHEMA), self.health.tables()),
            ("emergency", Native::Delivered(&emergency::COLUMNS), self.emergency.tables()),
            ("medical_insurance", Native::Sqlite(medical_insurance::SCHEMA), self.medical_insurance.tables()),
        ]
    }

    fn pay(
        &mut self,
        department: &str,
        person: &Person<'_>,
        income: &Income,
        payment: &Payment,
    ) -> Result<(), Unfiled> {
        let (category, kind) = (income.category, &income.kind);
        match department {
            "education" => self.education.pay(person, category, kind, payment),
            "hrss" => self.hrss.pay(person, category, kind, payment),
            "health" => self.health.pay(person, category, kind, payment),
            "emergency" => self.emergency.pay(person, category, kind, payment),
            "medical_insurance" => self.medical_insurance.pay(person, category, kind, payment),
            _ => Err(Unfiled::NoCode),
        }
    }
}

/// A fact that a department should hold and cannot: the household declares it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// The case.
    pub case: String,
    /// Where in its household, as a JSON pointer.
    pub pointer: String,
    /// What became of it, and why.
    pub detail: Text,
}

/// Files households one after another.
pub struct Clerk<'a> {
    catalogue: &'a Catalogue,
    /// The books so far.
    pub silos: Silos,
    /// What could not be filed.
    pub notices: Vec<Notice>,
}

/// One household on the clerk's desk.
struct Desk<'a> {
    case: &'a Case,
    names: &'a [String],
    /// Identity numbers in canonical form, none for a household that is not stored.
    id_numbers: Vec<IdNumber>,
    window: Period,
}

impl<'a> Clerk<'a> {
    /// A clerk with empty books.
    pub fn new(catalogue: &'a Catalogue) -> Self {
        Self { catalogue, silos: Silos::default(), notices: Vec::new() }
    }

    /// Files a household and returns what it declares. `stored` is false for a household with an
    /// invalid identity number: no department could know it.
    pub fn file(&mut self, case: &Case, names: &[String], extras: &[Extra], stored: bool) -> Declaration {
        let household = &case.household;
        let id_numbers = household.members.iter().filter_map(Member::valid_id_number).collect();
        let desk = Desk { case, names, id_numbers, window: Period::months_before(case.assessment_date, 12) };
        let mut declaration = Declaration {
            income_stability: household.income_stability,
            members: Vec::new(),
            incomes: Vec::new(),
            assets: Vec::new(),
            expenditures: Vec::new(),
            obligors: household.obligors.clone(),
            events: household.events.clone(),
        };
        if !stored {
            self.notice(
                &desk,
                "/members",
                Text::new(
                    "公民身份号码无效：各部门均不登记，申报中只列家庭自报的内容",
                    "an identity number is not valid: no department files anything, the declaration has the household's own word only",
                ),
            );
        }
        let mut employees = BTreeSet::new();
        for (index, income) in household.incomes.iter().enumerate() {
            let payment = desk.payment(index, income);
            match self.file_income(&desk, income, payment.as_ref(), stored) {
                Filed::Stored => {
                    if matches!(income.kind.as_str(), "WAGE" | "PENSION_EMPLOYEE") {
                        employees.insert(income.member_id.clone());
                    }
                    self.register_employment(&desk, income, payment.as_ref());
                }
                Filed::Dropped => {}
                Filed::Declared(reason) => {
                    self.explain(&desk, &format!("/incomes/{index}"), &income.source, reason);
                    declaration.incomes.push(declared::income(income, &desk.accounts(index, income)));
                }
            }
        }
        for (index, asset) in household.assets.iter().enumerate() {
            match self.file_asset(&desk, asset, stored) {
                Filed::Stored | Filed::Dropped => {}
                Filed::Declared(reason) => {
                    self.explain(&desk, &format!("/assets/{index}"), &asset.source, reason);
                    declaration.assets.push(declared::asset(asset));
                }
            }
        }
        for (index, expenditure) in household.rigid_expenditures.iter().enumerate() {
            match self.file_expenditure(&desk, expenditure, stored) {
                Filed::Stored | Filed::Dropped => {}
                Filed::Declared(reason) => {
                    self.explain(&desk, &format!("/rigid_expenditures/{index}"), &expenditure.source, reason);
                    declaration.expenditures.push(declared::expenditure(expenditure));
                }
            }
        }
        let denied: BTreeSet<_> =
            extras.iter().filter(|extra| matches!(extra.kept, Kept::DeniedWork)).map(|extra| &extra.member).collect();
        for (position, member) in household.members.iter().enumerate() {
            let mut declared = declared::member(member);
            declared.employed &= !denied.contains(&member.member_id);
            if stored && let Some(person) = desk.person(position) {
                self.file_member(&desk, &person, member, &mut declared, employees.contains(&member.member_id));
            }
            declaration.members.push(declared);
        }
        if stored {
            self.file_extras(&desk, extras);
        }
        declaration
    }

    /// What departments know of a member without money: the declaration leaves it out then.
    fn file_member(
        &mut self,
        desk: &Desk<'_>,
        person: &Person<'_>,
        member: &Member,
        declared: &mut DeclaredMember,
        is_employee: bool,
    ) {
        if desk.answers("health") {
            if let Some(died_on) = member.death_date {
                self.silos.health.certify_death(person, died_on);
                declared.death_date = None;
            }
            if member.severe_illness {
                self.silos.health.register_illness(person);
                declared.severe_illness = false;
            }
        }
        if let Some(stage) = member.education_stage
            && desk.answers("education")
        {
            if self.is_asked("education.enrolment", person) {
                self.silos.education.enrol(person, stage);
                declared.education_stage = None;
            } else {
                let pointer = format!("/members/{}/education_stage", desk.position_of(&member.member_id).unwrap_or(0));
                self.explain(desk, &pointer, "education", Some(Unfiled::NotAskedAtThisAge));
            }
        }
        if desk.answers("medical_insurance") {
            self.silos.medical_insurance.enrol(person, is_employee);
        }
    }

    fn file_income(&mut self, desk: &Desk<'_>, income: &Income, payment: Option<&Payment>, stored: bool) -> Filed {
        let Some(department) = department_of(&income.source) else { return Filed::Declared(None) };
        if !stored {
            return Filed::Dropped;
        }
        if !desk.answers(department) {
            return Filed::Declared(None);
        }
        let Some(person) = desk.position_of(&income.member_id).and_then(|position| desk.person(position)) else {
            return Filed::Declared(Some(Unfiled::NoHolder));
        };
        let Some(payment) = payment else { return Filed::Declared(Some(Unfiled::NoMonth)) };
        let is_aid = department == "education" && education::is_student_aid(income.category, &income.kind);
        if is_aid && !self.is_asked("education.student_aid", &person) {
            return Filed::Declared(Some(Unfiled::NotAskedAtThisAge));
        }
        self.silos.pay(department, &person, income, payment).into()
    }

    /// Wage earners whom the household says to be in work stand in the employment register too.
    fn register_employment(&mut self, desk: &Desk<'_>, income: &Income, payment: Option<&Payment>) {
        let Some(position) = desk.position_of(&income.member_id) else { return };
        let is_employed = desk.case.household.members.get(position).is_some_and(|member| member.employed);
        if let Some(person) = desk.person(position)
            && is_employed
            && income.category == IncomeCategory::Wage
            && income.source == "hrss"
            && self.is_asked("hrss.employment", &person)
        {
            self.silos.hrss.employ(&person, payment);
        }
    }

    fn file_asset(&mut self, desk: &Desk<'_>, asset: &Asset, stored: bool) -> Filed {
        let Some(department) = department_of(&asset.source) else { return Filed::Declared(None) };
        if !stored {
            return Filed::Dropped;
        }
        if !desk.answers(department) {
            return Filed::Declared(None);
        }
        let Some(holder) = desk.holder() else { return Filed::Declared(Some(Unfiled::NoHolder)) };
        match department {
            "housing" => self.silos.housing.own(&holder, asset).into(),
            "emergency" => self.silos.emergency.ruin(&holder, asset).into(),
            _ => Filed::Declared(Some(Unfiled::NoCode)),
        }
    }

    fn file_expenditure(&mut self, desk: &Desk<'_>, expenditure: &Expenditure, stored: bool) -> Filed {
        let Some(department) = department_of(&expenditure.source) else { return Filed::Declared(None) };
        if !stored {
            return Filed::Dropped;
        }
        if !desk.answers(department) {
            return Filed::Declared(None);
        }
        let Some(person) = desk.position_of(&expenditure.member_id).and_then(|position| desk.person(position)) else {
            return Filed::Declared(Some(Unfiled::NoHolder));
        };
        if !desk.window.contains(expenditure.paid_on) {
            return Filed::Declared(Some(Unfiled::OutsideWindow));
        }
        match department {
            "education" if !self.is_asked("education.tuition", &person) => {
                Filed::Declared(Some(Unfiled::NotAskedAtThisAge))
            }
            "education" => self.silos.education.bill(&person, expenditure).into(),
            "emergency" => self.silos.emergency.lose(&person, expenditure).into(),
            "medical_insurance" => self.silos.medical_insurance.settle(&person, expenditure).into(),
            _ => Filed::Declared(Some(Unfiled::NoCode)),
        }
    }

    fn file_extras(&mut self, desk: &Desk<'_>, extras: &[Extra]) {
        for extra in extras {
            let Some(person) = desk.position_of(&extra.member).and_then(|position| desk.person(position)) else {
                continue;
            };
            match &extra.kept {
                Kept::PublicHousing(since) => self.silos.housing.house(&person, *since),
                Kept::ProvidentFund(balance) => self.silos.housing.save(&person, *balance),
                Kept::Chronic => self.silos.medical_insurance.register_chronic(&person),
                Kept::MedicalAid(amount) => {
                    let paid_on = desk.window.from.saturating_add(Span::new().days(45));
                    self.silos.medical_insurance.aid(&person, *amount, paid_on);
                }
                // The register's record comes with the wage that is denied.
                Kept::DeniedWork => {}
            }
        }
    }

    fn is_asked(&self, dataset: &str, person: &Person<'_>) -> bool {
        let age = age_on(person.born_on, person.assessed_on);
        DatasetId::parse(dataset)
            .ok()
            .and_then(|id| self.catalogue.dataset(&id))
            .is_none_or(|dataset| dataset.ages.is_none_or(|(from, to)| (from..=to).contains(&age)))
    }

    fn explain(&mut self, desk: &Desk<'_>, pointer: &str, source: &str, reason: Option<Unfiled>) {
        if let Some(reason) = reason {
            let why = reason.text();
            let text = Text::new(
                format!("{source} 未登记，改由家庭申报：{}", why.zh),
                format!("not in the records of {source}, declared by the household instead: {}", why.en),
            );
            self.notice(desk, pointer, text);
        }
    }

    fn notice(&mut self, desk: &Desk<'_>, pointer: &str, detail: Text) {
        self.notices.push(Notice { case: desk.case.id.clone(), pointer: format!("/household{pointer}"), detail });
    }
}

/// The department that is the source of a fact, if one is.
fn department_of(source: &str) -> Option<&'static str> {
    DEPARTMENTS.into_iter().find(|department| *department == source)
}

/// What became of a fact.
enum Filed {
    /// It stands in a department's books.
    Stored,
    /// Nobody knows it.
    Dropped,
    /// The household declares it; with the reason when a department should have held it.
    Declared(Option<Unfiled>),
}

impl From<Result<(), Unfiled>> for Filed {
    fn from(result: Result<(), Unfiled>) -> Self {
        match result {
            Ok(()) => Self::Stored,
            Err(reason) => Self::Declared(Some(reason)),
        }
    }
}

/// How a payment is known: the account it goes to, and the employer that pays it.
pub struct Accounts {
    /// Bank account.
    pub bank: String,
    /// Credit code of the employer.
    pub employer: String,
}

impl Desk<'_> {
    fn answers(&self, department: &str) -> bool {
        self.case.status_of(department) == DepartmentStatus::Ok
    }

    fn position_of(&self, member: &MemberRef) -> Option<usize> {
        self.case.household.members.iter().position(|known| known.member_id == *member)
    }

    fn person(&self, position: usize) -> Option<Person<'_>> {
        let member = self.case.household.members.get(position)?;
        Some(Person {
            id_number: self.id_numbers.get(position)?.reveal(),
            name: self.names.get(position)?,
            born_on: member.birth_date,
            died_on: member.death_date,
            household_size: self.case.household.members.len(),
            assessed_on: self.case.assessment_date,
            window: self.window,
        })
    }

    /// The member under whom property is filed: the first who lives and is not excluded.
    fn holder(&self) -> Option<Person<'_>> {
        let position = self
            .case
            .household
            .members
            .iter()
            .position(|member| member.exclusion.is_none() && member.death_date.is_none())?;
        self.person(position)
    }

    /// Equal `dedupe_key`s of a case are one payment, so one account; all others have their own.
    fn accounts(&self, index: usize, income: &Income) -> Accounts {
        let of = income.dedupe_key.as_ref().map_or_else(
            || format!("{} {} {} {index}", self.case.id, income.member_id, income.source),
            |key| format!("{} {key}", self.case.id),
        );
        Accounts { bank: bank_account(&of), employer: credit_code(&of) }
    }

    /// The payment of an income, or `None` when there is no month in which it could have been made:
    /// what was paid after a death falls in the months after it, everything else up to it.
    fn payment(&self, index: usize, income: &Income) -> Option<Payment> {
        let member = self.case.household.members.get(self.position_of(&income.member_id)?)?;
        let died_in = member.death_date.map(Date::first_of_month);
        let months: Vec<Date> = (0..12)
            .map(|month| self.window.from.saturating_add(Span::new().months(month)))
            .filter(|month| match (died_in, income.paid_after_death) {
                (Some(died_in), true) => *month > died_in,
                (Some(died_in), false) => *month <= died_in,
                (None, paid_after_death) => !paid_after_death,
            })
            .collect();
        let accounts = self.accounts(index, income);
        (!months.is_empty()).then(|| Payment {
            months,
            amount: income.amount_12m,
            basic: income.basic_portion_12m,
            account: accounts.bank,
            employer_code: accounts.employer,
            shared: income.dedupe_key.is_some(),
        })
    }
}
