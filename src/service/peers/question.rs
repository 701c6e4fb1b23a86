//! A peer's question, read from the protocol into what the federation asks: every part of it is another hub's word, and
//! what goes into this hub's log is held to its forms before.

use std::collections::HashSet;
use std::time::Duration;

use connectors::context::{Case, Context};
use connectors::protocol::{MAX_SUBJECTS, Query, QuerySubject};
use jiff::Timestamp;
use jiff::civil::Date;

use super::Refused;
use crate::domain::authorisation::Authorisation;
use crate::domain::dataset::{Catalogue, Dataset, DatasetId};
use crate::domain::division::DivisionCode;
use crate::domain::household::{Household, Member, MemberRef, RelationCode};
use crate::domain::id_number::{IdNumber, Subject, SubjectKey};
use crate::domain::period::{Period, date_in_china};
use crate::domain::purpose::Purpose;
use crate::federation::plan::{DepartmentPlan, Plan, SubjectPlan};

/// Longest name or number of a form, characters; as in a request for a verification.
pub(super) const MAX_TEXT: usize = 100;
/// Longest id of another hub, bytes.
const MAX_ID: usize = 128;
/// Longest window for dated facts, days: four years.
const MAX_WINDOW: i32 = 4 * 366;

/// What a question that is proven to be another hub's says, for this hub's log: of a refused one too it is told about whom
/// it was, what for and for whom (P1). What is not fit to stand there is left out (P7).
#[derive(Default)]
pub(super) struct Heard {
    /// `question/` and its id.
    pub(super) object: Option<String>,
    /// The organisation that asked the other hub.
    pub(super) organisation: Option<String>,
    /// Number of the household's authorisation.
    pub(super) authorisation: Option<String>,
    /// The purpose.
    pub(super) purpose: Option<Purpose>,
    /// The people, of a sound question all of them.
    pub(super) subjects: Vec<Subject>,
}

impl Heard {
    /// What these say.
    pub(super) fn of(query: &Query, context: &Context, log_key: &SubjectKey) -> Self {
        let (id, number) = (&context.question.jti, &query.authorisation.number);
        let organisation = context.question.cases.first().map(|case| &case.organisation);
        // No more than the log has room for; a question about more people is refused.
        let numbers = query.subjects.iter().take(MAX_SUBJECTS).map(|subject| IdNumber::parse(&subject.id_number));
        Self {
            object: is_id(id).then(|| format!("question/{id}")),
            organisation: organisation.filter(|name| is_plain(name, 4 * MAX_TEXT)).cloned(),
            authorisation: is_plain(number, MAX_TEXT).then(|| number.clone()),
            purpose: Purpose::parse(&query.purpose),
            subjects: numbers.flatten().map(|number| number.subject(log_key)).collect(),
        }
    }
}

/// A question about people of this hub's divisions.
pub(super) struct RegionQuestion {
    /// The verification over there, which the answer repeats.
    pub(super) request_id: String,
    /// The people.
    pub(super) household: Household,
    /// Who of this hub's departments is asked what.
    pub(super) plan: Plan,
    /// The datasets asked for.
    pub(super) datasets: Vec<DatasetId>,
    /// What it rests on.
    pub(super) authorisation: Authorisation,
    /// The organisation that asked the other hub.
    pub(super) organisation: String,
    /// Its division.
    pub(super) asking_division: DivisionCode,
    /// How long the other hub still waits.
    pub(super) within: Option<Duration>,
}

impl RegionQuestion {
    /// Reads a question that is proven to be another hub's.
    pub(super) fn of(query: Query, context: &Context, catalogue: &Catalogue, now: Timestamp) -> Result<Self, Refused> {
        let [Case { organisation, division, .. }] = context.question.cases.as_slice() else {
            return Err(Refused::Unsound("/cases", "须恰好为一次核对", "must be of exactly one verification"));
        };
        let unsound = Refused::Unsound;
        let asking_division = DivisionCode::parse(division).map_err(|_| {
            unsound("/cases/0/division", "应为六位行政区划代码", "must be a division code of six digits")
        })?;
        if !is_plain(organisation, 4 * MAX_TEXT) {
            return Err(unsound(
                "/cases/0/organisation",
                "应为可见字符，不得含身份号码",
                "must be visible characters and hold no identity number",
            ));
        }
        let id = &context.question.jti;
        if !is_id(id) || !is_id(&query.request_id) {
            return Err(unsound(
                "/request_id",
                "应为字母、数字、. - _，不得含身份号码",
                "must be letters, digits, . - _ and hold no identity number",
            ));
        }
        let purpose = Purpose::parse(&query.purpose).ok_or(unsound(
            "/purpose",
            "不是本平台的核对目的",
            "is no purpose of this hub's",
        ))?;
        let authorisation = authorisation(&query, date_in_china(now))?;
        let period = period(&query)?;
        let members = members(&query.subjects)?;
        let datasets = datasets(&query, catalogue, purpose)?;
        let plan = Plan { purpose, period, departments: departments(&query.subjects, &datasets, catalogue)? };
        let hukou_region = members.first().and_then(|member| member.division).unwrap_or(asking_division);
        Ok(Self {
            household: Household { hukou_region, members },
            plan,
            datasets,
            authorisation,
            organisation: organisation.clone(),
            asking_division,
            within: query.within_ms.map(Duration::from_millis),
            request_id: query.request_id,
        })
    }

    /// The divisions of its people.
    pub(super) fn divisions(&self) -> Vec<DivisionCode> {
        (0..self.household.members.len()).map(|member| self.household.division_of(member)).collect()
    }
}

/// Visible text without a person's number: it stands in the log (P7).
pub(super) fn is_plain(text: &str, most: usize) -> bool {
    let length = text.chars().count();
    (1..=most).contains(&length) && !text.chars().any(char::is_control) && !IdNumber::is_in(text)
}

pub(super) fn is_id(text: &str) -> bool {
    let is_of_ids = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    (1..=MAX_ID).contains(&text.len()) && text.bytes().all(is_of_ids) && !IdNumber::is_in(text)
}

fn authorisation(query: &Query, today: Date) -> Result<Authorisation, Refused> {
    let number = &query.authorisation.number;
    if !is_plain(number, MAX_TEXT) {
        return Err(Refused::Unsound(
            "/authorisation/number",
            "应为 1 到 100 个可见字符，不得含身份号码",
            "must be 1 to 100 visible characters and hold no identity number",
        ));
    }
    let valid_until: Date = query.authorisation.valid_until.parse().map_err(|_| {
        Refused::Unsound("/authorisation/valid_until", "应为日期 YYYY-MM-DD", "must be a date, YYYY-MM-DD")
    })?;
    if valid_until < today {
        return Err(Refused::Expired);
    }
    // What was signed by whom was judged by the hub that holds the form; here its number and its last day are known.
    Ok(Authorisation {
        number: number.clone(),
        signed_on: today,
        valid_until,
        departments: None,
        evidence_digest: String::new(),
        signatures: Vec::new(),
    })
}

fn period(query: &Query) -> Result<Period, Refused> {
    let (from, to) = (query.period.from, query.period.to);
    let days = from.until(to).map_or(i32::MAX, |span| span.get_days());
    if from > to || days > MAX_WINDOW {
        return Err(Refused::Unsound(
            "/period",
            "起止日期颠倒，或超过四年",
            "begins after it ends, or is longer than four years",
        ));
    }
    Ok(Period { from, to })
}

fn members(subjects: &[QuerySubject]) -> Result<Vec<Member>, Refused> {
    let unsound = Refused::Unsound;
    if subjects.is_empty() || subjects.len() > MAX_SUBJECTS {
        return Err(unsound("/subjects", "应为 1 到 500 人", "must be 1 to 500 persons"));
    }
    let (mut references, mut numbers) = (HashSet::new(), HashSet::new());
    let member = |subject: &QuerySubject| {
        let reference = MemberRef::parse(&subject.reference)
            .map_err(|_| unsound("/subjects/ref", "不是成员标识", "is no member reference"))?;
        let id_number = IdNumber::parse(&subject.id_number)
            .map_err(|_| unsound("/subjects/id_number", "不是有效的公民身份号码", "is no valid identity number"))?;
        let division = subject
            .division
            .as_deref()
            .and_then(|division| DivisionCode::parse(division).ok())
            .ok_or(unsound("/subjects/division", "缺少六位行政区划代码", "must be a division code of six digits"))?;
        if subject.case.is_some() {
            return Err(unsound("/subjects/case", "平台之间每次只查一户", "a hub asks about one household at a time"));
        }
        let is_name = (1..=MAX_TEXT).contains(&subject.name.chars().count());
        if !is_name || !references.insert(reference.clone()) || !numbers.insert(id_number.clone()) {
            return Err(unsound(
                "/subjects",
                "姓名缺失或过长，或有人重复",
                "has a name that is empty or too long, or somebody twice",
            ));
        }
        // Departments are not told of relations, and no verdict is made here.
        let relation = RelationCode::parse("99").map_err(|_| unsound("/subjects", "", ""))?;
        Ok(Member { reference, id_number, name: subject.name.clone(), relation, division: Some(division) })
    };
    subjects.iter().map(member).collect()
}

/// The datasets, each once; those that there are not, and those that may not be used for the purpose, are the same.
fn datasets(query: &Query, catalogue: &Catalogue, purpose: Purpose) -> Result<Vec<DatasetId>, Refused> {
    if query.datasets.is_empty() {
        return Err(Refused::Unsound("/datasets", "至少要有一个数据集", "must hold at least one dataset"));
    }
    let mut known = HashSet::new();
    let dataset = |text: &String| {
        let dataset = DatasetId::parse(text).ok().and_then(|id| catalogue.dataset(&id)).ok_or(Refused::Dataset)?;
        let is_new = known.insert(dataset.id.clone());
        if is_new && dataset.purposes.contains(&purpose) { Ok(dataset.id.clone()) } else { Err(Refused::Dataset) }
    };
    query.datasets.iter().map(dataset).collect()
}

/// Who is asked what, in the order of the catalogue.
fn departments(
    subjects: &[QuerySubject],
    datasets: &[DatasetId],
    catalogue: &Catalogue,
) -> Result<Vec<DepartmentPlan>, Refused> {
    let is_foreign = |subject: &QuerySubject| {
        let mut own = subject.datasets.iter().flatten();
        own.any(|named| !datasets.iter().any(|dataset| dataset.as_str() == named))
    };
    if subjects.iter().any(is_foreign) {
        return Err(Refused::Unsound(
            "/subjects/datasets",
            "不在本次查询的数据集内",
            "must be among the datasets of the question",
        ));
    }
    let wanted = |dataset: &Dataset, subject: &QuerySubject| {
        let is_named = |names: &Vec<String>| names.iter().any(|name| name == dataset.id.as_str());
        datasets.contains(&dataset.id) && subject.datasets.as_ref().is_none_or(is_named)
    };
    let of_department = |department: &crate::domain::dataset::Department| {
        let subjects = subjects.iter().enumerate().filter_map(|(member, subject)| {
            let all = catalogue.datasets().iter().enumerate();
            let own = all.filter(|(_, dataset)| dataset.department == department.id && wanted(dataset, subject));
            let datasets: Vec<usize> = own.map(|(index, _)| index).collect();
            (!datasets.is_empty()).then_some(SubjectPlan { member, datasets })
        });
        let subjects: Vec<SubjectPlan> = subjects.collect();
        let department = department.id.clone();
        (!subjects.is_empty()).then_some(DepartmentPlan { department, gap: None, subjects, region: None })
    };
    Ok(catalogue.departments().iter().filter_map(of_department).collect())
}
