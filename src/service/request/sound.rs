//! What must be true of a well-formed request: identity numbers, references, dates, sizes.

use std::collections::HashSet;

use jiff::civil::{Date, date};

use super::VerificationRequest;
use super::document::{MemberDocument, RequestDocument};
use crate::domain::authorisation::{Authorisation, SignerCapacity};
use crate::domain::context::{AccessContext, is_name, says_something};
use crate::domain::dataset::Catalogue;
use crate::domain::household::{Household, Member, MemberRef};
use crate::domain::id_number::{IdNumber, IdNumberError};
use crate::domain::period::age_on;
use crate::domain::problem::{Finding, Text};

/// Largest household.
const MAX_MEMBERS: usize = 30;
/// Longest list in a declaration.
const MAX_ITEMS: usize = 300;
/// Least characters of a reason that count.
const LEAST_REASON: usize = 6;
/// Longest free text, in characters.
const MAX_TEXT: usize = 100;

/// A place in the request, written out as a JSON pointer only where something is found there.
#[derive(Clone, Copy)]
struct At<'a> {
    list: &'a str,
    index: usize,
    member: &'a str,
}

impl From<At<'_>> for String {
    fn from(At { list, index, member }: At<'_>) -> Self {
        format!("{list}/{index}{}{member}", if member.is_empty() { "" } else { "/" })
    }
}

/// A member of an object in the request.
struct In<'a>(&'a str, &'a str);

impl From<In<'_>> for String {
    fn from(In(object, member): In<'_>) -> Self {
        format!("{object}/{member}")
    }
}

/// The faults found so far.
#[derive(Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    /// A fault.
    pub(super) fn add(
        &mut self,
        pointer: impl Into<String>,
        code: &'static str,
        zh: impl Into<String>,
        en: impl Into<String>,
    ) {
        self.0.push(Finding { pointer: pointer.into(), code, detail: Text::new(zh, en) });
    }

    /// A reference to nobody of the household.
    pub(super) fn unknown_reference(&mut self, pointer: impl Into<String>) {
        self.add(
            pointer,
            "unknown_reference",
            "所指成员不在 household.members 中。",
            "names a member who is not in household.members.",
        );
    }

    /// What was checked, when nothing was found.
    pub(super) fn none_or<T>(self, checked: T) -> Result<T, Vec<Finding>> {
        if self.0.is_empty() { Ok(checked) } else { Err(self.0) }
    }

    /// Free text: not empty, not long, no control or invisible direction characters (A26).
    fn text(&mut self, pointer: impl Into<String>, text: &str) {
        let control = |character: char| {
            character.is_control()
                || matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}')
                || matches!(character, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
        };
        let is_number = IdNumber::is_in(text);
        let is_wrong = text.trim().is_empty() || text.chars().count() > MAX_TEXT || text.chars().any(control);
        if !is_number && !is_wrong {
            return;
        }
        let pointer = pointer.into();
        if is_number {
            // It stands in the access log, which nothing is ever taken out of (P7).
            self.add(
                pointer.clone(),
                "identity_number",
                "此处不得填写公民身份号码：该内容会写入访问日志。",
                "must not hold an identity number: it stands in the access log.",
            );
        }
        if is_wrong {
            self.add(
                pointer,
                "invalid_text",
                format!("应为 1 到 {MAX_TEXT} 个可见字符，不含控制字符。"),
                format!("must be 1 to {MAX_TEXT} visible characters without control characters."),
            );
        }
    }

    fn size(&mut self, pointer: impl Into<String>, length: usize, least: usize, most: usize) {
        if !(least..=most).contains(&length) {
            self.add(
                pointer,
                "wrong_size",
                format!("应有 {least} 到 {most} 项。"),
                format!("must have {least} to {most} items."),
            );
        }
    }

    fn range(&mut self, pointer: impl Into<String>, value: u32, least: u32, most: u32) {
        if !(least..=most).contains(&value) {
            self.add(
                pointer,
                "out_of_range",
                format!("应为 {least} 到 {most} 的整数。"),
                format!("must be a whole number from {least} to {most}."),
            );
        }
    }

    fn decimal(&mut self, pointer: impl Into<String>, text: Option<&str>) {
        let fits = |text: &str| text.len() <= 12 && crate::domain::money::Money::parse(text).is_ok();
        if text.is_some_and(|text| !fits(text)) {
            self.add(
                pointer,
                "invalid_value",
                "应为不为负、至多两位小数的十进制字符串，如 \"95.50\"。",
                "must be a decimal string, not negative, at most two places, such as \"95.50\".",
            );
        }
    }
}

/// Checks a document; every fault is found, not only the first. `registered` is the authorisation that its
/// `authorisation_id` names.
pub(super) fn check(
    document: RequestDocument,
    registered: Option<Authorisation>,
    today: Date,
    catalogue: &Catalogue,
) -> Result<VerificationRequest, Vec<Finding>> {
    let mut findings = Findings::default();
    let assessed_on = document.assessment_date.unwrap_or(today);
    if assessed_on > today || assessed_on < date(2000, 1, 1) {
        findings.add(
            "/assessment_date",
            "date_out_of_range",
            "评估日期不得晚于今天，也不得早于 2000-01-01。",
            "the assessment date must not be after today nor before 2000-01-01.",
        );
    }
    if let Some(pack) = &document.pack {
        findings.text("/pack", pack);
    }
    let is_emergency = |event: &crate::domain::declaration::Event| event.route.as_str() == "EMERGENCY";
    if document.emergency_only && !document.declaration.events.iter().any(is_emergency) {
        findings.add(
            "/emergency_only",
            "no_emergency",
            "仅用于急难救助：declaration.events 中须有 route 为 EMERGENCY 的事件。",
            "only for emergency relief: declaration.events must hold an event whose route is EMERGENCY.",
        );
    }
    let members = members(&document.household.members, &mut findings);
    let known: HashSet<&MemberRef> = document.household.members.iter().map(|member| &member.reference).collect();
    references(&document, &known, &mut findings);
    declaration(&document, &mut findings);
    context(document.context.as_ref(), &mut findings);
    let authorisation_id = document.authorisation_id.clone();
    let given = match (&document.authorisation, &authorisation_id, registered) {
        (Some(given), None, _) => {
            authorisation("/authorisation", given, catalogue, &mut findings);
            Some(given.clone())
        }
        (None, Some(_), Some(registered)) => Some(registered),
        (None, ..) => {
            findings.add(
                "",
                "missing_member",
                "缺少必填成员 `authorisation`（或已登记授权书的 `authorisation_id`）。",
                "the member `authorisation` is missing (or `authorisation_id` of a registered one).",
            );
            None
        }
        (Some(_), Some(_), _) => {
            findings.add(
                "/authorisation_id",
                "given_twice",
                "`authorisation` 与 `authorisation_id` 只能填一项。",
                "give either `authorisation` or `authorisation_id`, not both.",
            );
            None
        }
    };
    let Some(authorisation) = given.filter(|_| findings.0.is_empty()) else { return Err(findings.0) };
    Ok(VerificationRequest {
        purpose: document.purpose,
        assessed_on,
        place: document.place,
        pack: document.pack,
        emergency_only: document.emergency_only,
        disclosure: document.disclosure,
        household: Household { hukou_region: document.household.hukou_region, members },
        declaration: document.declaration,
        authorisation,
        authorisation_id,
        prior: document.prior.unwrap_or_default(),
        context: document.context,
    })
}

/// Who asks, and on which case: names of accounts and cases stand in the log as they are, so they are nothing else.
fn context(context: Option<&AccessContext>, findings: &mut Findings) {
    let Some(context) = context else { return };
    let case = context.case.as_ref();
    for (pointer, name) in [
        ("/context/operator", context.operator.as_deref()),
        ("/context/case/number", case.map(|case| case.number.as_str())),
        ("/context/case/opened_by", case.and_then(|case| case.opened_by.as_deref())),
    ] {
        if name.is_some_and(|name| !is_name(name)) {
            findings.add(
                pointer,
                "invalid_name",
                "应为 1 到 64 个字母、数字或 . _ @ -，不得使用身份号码：该内容会写入访问日志。",
                "must be 1 to 64 letters, digits or . _ @ -, never an identity number: it stands in the access log.",
            );
        }
    }
    for (pointer, text) in [("/context/workstation", &context.workstation), ("/context/address", &context.address)] {
        if let Some(text) = text {
            findings.text(pointer, text);
        }
    }
    if let Some(reason) = &context.reason {
        findings.text("/context/reason", reason);
        if !says_something(reason, LEAST_REASON) {
            findings.add(
                "/context/reason",
                "empty_reason",
                format!("事由须说明情况，至少 {LEAST_REASON} 个字，不得以重复字符充数。"),
                format!("a reason says why: at least {LEAST_REASON} characters, not a few of them over and over."),
            );
        }
    }
    if case.is_some_and(|case| case.closed_at.is_some_and(|closed_at| closed_at < case.opened_at)) {
        findings.add(
            "/context/case/closed_at",
            "date_out_of_range",
            "办结时间不得早于立案时间。",
            "a case is not closed before it is opened.",
        );
    }
}

/// The members, as far as they are sound.
pub(super) fn members(documents: &[MemberDocument], findings: &mut Findings) -> Vec<Member> {
    findings.size("/household/members", documents.len(), 1, MAX_MEMBERS);
    let (mut references, mut numbers) = (HashSet::new(), HashSet::new());
    let mut members = Vec::with_capacity(documents.len());
    for (index, document) in documents.iter().enumerate() {
        let at = |member| At { list: "/household/members", index, member };
        findings.text(at("name"), &document.name);
        if !references.insert(&document.reference) {
            findings.add(at("ref"), "duplicate_reference", "成员标识重复。", "two members have the same reference.");
        }
        match IdNumber::parse(&document.id_number) {
            Ok(id_number) => {
                if document.birth_date.is_some_and(|born_on| born_on != id_number.born_on()) {
                    findings.add(
                        at("birth_date"),
                        "id_number_invalid",
                        "出生日期与公民身份号码不一致，请核对两者。",
                        "the date of birth differs from the identity number; check both.",
                    );
                }
                if !numbers.insert(id_number.clone()) {
                    findings.add(
                        at("id_number"),
                        "duplicate_person",
                        "同一公民身份号码出现在两名成员上。",
                        "two members have the same identity number.",
                    );
                }
                members.push(Member {
                    reference: document.reference.clone(),
                    id_number,
                    name: document.name.trim().to_owned(),
                    relation: document.relation_code,
                    division: document.division,
                });
            }
            Err(error) => {
                let zh = match error {
                    IdNumberError::Length => "公民身份号码应为 18 位（15 位旧号码已停用）。".to_owned(),
                    IdNumberError::Character => "公民身份号码应为 17 位数字加一位校验码（0-9 或 X）。".to_owned(),
                    IdNumberError::BirthDate => "公民身份号码第 7 至 14 位应为真实的出生日期。".to_owned(),
                    IdNumberError::CheckDigit(digit) => format!("校验码不符，应为 {digit}；请对照证件重新录入。"),
                };
                findings.add(at("id_number"), "id_number_invalid", zh, format!("{error} (GB 11643)."));
            }
        }
    }
    members
}

fn references(document: &RequestDocument, known: &HashSet<&MemberRef>, findings: &mut Findings) {
    let declaration = &document.declaration;
    let mut named = |list: &str, index: usize, member: &str, reference: &MemberRef| {
        if !known.contains(reference) {
            findings.unknown_reference(At { list, index, member });
        }
    };
    for (i, it) in declaration.members.iter().enumerate() {
        named("/declaration/members", i, "ref", &it.reference);
    }
    for (i, it) in declaration.incomes.iter().enumerate() {
        named("/declaration/incomes", i, "ref", &it.reference);
    }
    for (i, it) in declaration.expenditures.iter().enumerate() {
        named("/declaration/expenditures", i, "ref", &it.reference);
    }
    for (i, obligor) in declaration.obligors.iter().enumerate() {
        for (j, it) in obligor.supports.iter().enumerate() {
            named(&format!("/declaration/obligors/{i}/supports"), j, "", it);
        }
    }
    for (i, it) in document.authorisation.iter().flat_map(|given| &given.signatures).enumerate() {
        named("/authorisation/signatures", i, "ref", &it.reference);
    }
    let other = document.prior.as_ref().and_then(|prior| prior.member_in_other_household.as_ref());
    if other.is_some_and(|reference| !known.contains(reference)) {
        findings.unknown_reference("/prior/member_in_other_household");
    }
    for (index, member) in document.household.members.iter().enumerate() {
        if !declaration.members.iter().any(|declared| declared.reference == member.reference) {
            findings.add(
                "/declaration/members",
                "member_not_declared",
                format!("第 {} 名成员没有申报：每名成员都要申报劳动能力等情况。", index + 1),
                format!("member number {} is not declared: declare the labour capacity of every member.", index + 1),
            );
        }
    }
    let mut seen = HashSet::new();
    for (index, member) in declaration.members.iter().enumerate() {
        if !seen.insert(&member.reference) {
            findings.add(
                format!("/declaration/members/{index}/ref"),
                "duplicate_reference",
                "同一成员申报了两次。",
                "the same member is declared twice.",
            );
        }
    }
}

fn declaration(document: &RequestDocument, findings: &mut Findings) {
    let declaration = &document.declaration;
    for (name, length) in [
        ("members", declaration.members.len()),
        ("incomes", declaration.incomes.len()),
        ("assets", declaration.assets.len()),
        ("expenditures", declaration.expenditures.len()),
        ("obligors", declaration.obligors.len()),
        ("events", declaration.events.len()),
    ] {
        findings.size(In("/declaration", name), length, 0, MAX_ITEMS);
    }
    for (index, member) in declaration.members.iter().enumerate() {
        let at = At { list: "/declaration/members", index, member: "adl_failed_count" };
        findings.range(at, u32::from(member.adl_failed_count), 0, 6);
    }
    for (index, income) in declaration.incomes.iter().enumerate() {
        if let Some(key) = &income.dedupe_key {
            findings.text(At { list: "/declaration/incomes", index, member: "dedupe_key" }, key);
        }
    }
    for (index, asset) in declaration.assets.iter().enumerate() {
        let at = |member| At { list: "/declaration/assets", index, member };
        findings.range(at("count"), asset.count.unwrap_or(1), 0, 10_000);
        findings.decimal(at("area_m2"), asset.area_m2.as_deref());
    }
    for (index, obligor) in declaration.obligors.iter().enumerate() {
        let at = |member| At { list: "/declaration/obligors", index, member };
        findings.text(at("obligor_id"), &obligor.obligor_id);
        if IdNumber::parse(&obligor.obligor_id).is_ok() {
            // It stands in traces and reports (P7).
            findings.add(
                at("obligor_id"),
                "identity_number",
                "不得使用公民身份号码；请用 o1 这样的编号。",
                "must not be an identity number; use a name of your own such as o1.",
            );
        }
        findings.size(at("supports"), obligor.supports.len(), 1, MAX_MEMBERS);
        findings.range(at("supported_total"), obligor.supported_total, 1, 1000);
        findings.range(at("household_size"), obligor.household_size, 1, 1000);
    }
    for (index, event) in declaration.events.iter().enumerate() {
        if event.first_aid_at.is_some_and(|first_aid| first_aid < event.occurred_at)
            || event.reported_at < event.occurred_at
        {
            findings.add(
                format!("/declaration/events/{index}"),
                "times_out_of_order",
                "报告和先行救助不得早于事件发生。",
                "an event cannot be reported or aided before it happened.",
            );
        }
    }
}

/// Nobody below sixteen signs alone: a guardian does for them (民法典 第十九、二十条; of those below fourteen all data are
/// sensitive, 个人信息保护法 第三十一条). Who is sixteen may, living by their own work (民法典 第十八条第二款); whether they do, and whether
/// somebody of age lacks capacity, stands in no document that the hub sees: who takes the signature checks that.
pub(super) fn signers(authorisation: &Authorisation, members: &[Member], findings: &mut Findings) {
    for (index, signature) in authorisation.signatures.iter().enumerate() {
        let signer = members.iter().find(|member| member.reference == signature.reference);
        let Some(signer) = signer.filter(|_| signature.capacity == SignerCapacity::Own) else { continue };
        let age = age_on(signer.id_number.born_on(), authorisation.signed_on);
        if age < 16 {
            findings.add(
                format!("/signatures/{index}/capacity"),
                "guardian_must_sign",
                format!("该成员签署时 {age} 周岁，应由监护人签字（GUARDIAN）。"),
                format!("this member was {age} when it was signed: a guardian must sign (GUARDIAN)."),
            );
        }
    }
}

/// What must be true of an authorisation that stands at `base`.
pub(super) fn authorisation(base: &str, authorisation: &Authorisation, catalogue: &Catalogue, findings: &mut Findings) {
    let at = |member| In(base, member);
    findings.text(at("number"), &authorisation.number);
    if authorisation.valid_until < authorisation.signed_on {
        findings.add(
            at("valid_until"),
            "date_out_of_range",
            "授权截止日期不得早于签署日期。",
            "the authorisation cannot end before it was signed.",
        );
    }
    let digest = authorisation.evidence_digest.strip_prefix("sha256:").unwrap_or_default();
    if digest.len() != 64 || !digest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        findings.add(
            at("evidence_digest"),
            "invalid_value",
            "应为 \"sha256:\" 加 64 位小写十六进制数（授权书扫描件的摘要）。",
            "must be \"sha256:\" and 64 lower-case hexadecimal digits: the digest of the scanned form.",
        );
    }
    findings.size(at("signatures"), authorisation.signatures.len(), 0, MAX_MEMBERS);
    for (index, department) in authorisation.departments.iter().flatten().enumerate() {
        if catalogue.department(department).is_none() {
            findings.add(
                format!("{base}/departments/{index}"),
                "unknown_department",
                "目录中没有这个部门；目录见 schemas/catalogue.toml，不填则授权全部部门。",
                "this department is not in the catalogue (schemas/catalogue.toml); leave departments out to authorise all of them.",
            );
        }
    }
}
