//! The resident's notice: what the household may know, in plain words, and what it can do.
//!
//! It holds nothing of persons outside the household, no codes, no evidence, no reason why a department is
//! silent, and nothing that is only suspected. What is only declared is never called checked (promise P5). It
//! tells how to object and the right to have a person decide (PIPL 第二十四条; promise P8).

use super::changes::{Way, a_head, capital, nearest};
use super::{
    Report, Section, Story, View, department, departments, line, list, section, size_of, spared, title, words, yuan,
};
use crate::domain::exact::{Exact, Overflow};
use crate::domain::money::Money;
use crate::domain::problem::Text;
use crate::verdict::benefit::HintMode;
use crate::verdict::circle::Circle;
use crate::verdict::clauses::Clauses;
use crate::verdict::facts::Source;
use crate::verdict::reasons::clause;
use crate::verdict::tipping::Quantity;
use crate::verdict::trace::{Node, Outcome, Value};
use crate::verdict::wire::BenefitHint;
use crate::verdict::{Status, Sums};

pub(super) fn notice(story: &Story<'_>) -> Result<Report, Overflow> {
    let sections = [
        members(story),
        result(story),
        income(story)?,
        property(story),
        outcomes(story),
        missing(story),
        spared::notice_of(story),
        changes(story),
        rights(),
    ];
    Ok(Report {
        view: View::Resident,
        title: title(View::Resident),
        headline: headline(story),
        sentence: None,
        sections: sections.into_iter().filter(|section| !section.lines.is_empty()).collect(),
        closing: line(
            "这份告知书说明核对的情况，不是救助决定。救助由工作人员审核后决定。",
            "This notice tells what was checked. It is not a decision: a person reviews it and decides.",
        ),
    })
}

fn headline(story: &Story<'_>) -> Text {
    let verdict = story.verdict();
    match verdict.status {
        Status::Determined => match verdict.circle() {
            Some(Circle::Dibao) => line(
                "按现在了解的情况，您家符合最低生活保障（低保）的条件。",
                "By what is known now, your household meets the conditions of the subsistence allowance (dibao).",
            ),
            Some(Circle::LowIncome) => line(
                "按现在了解的情况，您家符合低收入家庭（低保边缘家庭）的条件。",
                "By what is known now, your household meets the conditions of a low-income household.",
            ),
            Some(Circle::Expenditure) => line(
                "按现在了解的情况，您家符合支出型困难家庭（刚性支出困难家庭）的条件。",
                "By what is known now, your household meets the conditions of a household in hardship by unavoidable spending.",
            ),
            Some(Circle::Tekun) => line(
                "按现在了解的情况，您家符合特困人员救助供养的条件。",
                "By what is known now, your household meets the conditions of support in extreme hardship (tekun).",
            ),
            Some(Circle::None | Circle::DibaoSingle) | None => line(
                "按现在了解的情况，您家还不符合低保、低收入家庭或者支出型困难家庭的条件。",
                "By what is known now, your household does not meet the conditions of dibao, of a low-income household or of one in hardship by unavoidable spending.",
            ),
        },
        Status::PendingData => line(
            "还有部门没有答复，现在还不能得出结果。",
            "Some departments have not answered yet, so there is no result yet.",
        ),
        Status::Blocked => line(
            "还有家庭成员没有签署授权书，所以没有核对您家的情况。",
            "A member of your household has not signed the authorisation, so nothing was checked.",
        ),
        Status::ManualReview => line(
            "您家的情况需要工作人员先看一看，所以这次没有自动得出结果。",
            "A person has to look at your household's case first, so there is no result yet.",
        ),
        Status::PendingParameter => line(
            "当地在这个日期的标准还没有录入，现在还不能得出结果。",
            "The standard of your place for this day has not been entered yet, so there is no result yet.",
        ),
    }
}

fn members(story: &Story<'_>) -> Section {
    let mut counted = Vec::new();
    let mut lines = Vec::new();
    for node in story.each("members.member") {
        let who = story.persons.plain(node.subject.unwrap_or_default());
        match &node.result {
            Outcome::Is(standing) if standing == "COUNTED" => counted.push(who),
            Outcome::Is(standing) => {
                let why = words::not_counted(standing.strip_prefix("EXCLUDED_").unwrap_or(standing));
                let is_known = why.zh != why.en;
                lines.push(if is_known {
                    line(
                        format!("{}没有算作共同生活的家庭成员：{}。", who.zh, why.zh),
                        format!("{} is not counted as living with you: {}.", capital(&who.en), why.en),
                    )
                } else {
                    line(
                        format!("{}按规定没有算作共同生活的家庭成员。", who.zh),
                        format!("By the rules {} is not counted as living with you.", who.en),
                    )
                });
            }
            _ => {}
        }
    }
    if !counted.is_empty() {
        let (people, who) = (counted.len(), list(&counted));
        lines.insert(
            0,
            line(
                format!("算作共同生活的家庭成员共{people}人：{}。", who.zh),
                format!("{people} counted as living together: {}.", who.en),
            ),
        );
    }
    section("members", "您家的人", "Your household", lines)
}

fn result(story: &Story<'_>) -> Section {
    let verdict = story.verdict();
    let mut lines = Vec::new();
    if verdict.emergency_overlay == Some(true) {
        lines.push(line(
            "您家遇到了急难情况，可以先得到救助，不用等核对结果。",
            "Your household is in an emergency: help comes first and does not wait for the check.",
        ));
    }
    if verdict.status == Status::Blocked {
        let unsigned: Vec<Text> = story
            .node("gate.authorised")
            .into_iter()
            .flat_map(|node| node.inputs().iter().filter(|input| input.name == "not_signed"))
            .map(|input| story.persons.plain(&super::printed(&input.value)))
            .collect();
        if !unsigned.is_empty() {
            let who = list(&unsigned);
            lines.push(line(
                format!("还没有签署授权书的是：{}。签署后就可以核对。", who.zh),
                format!("Not signed yet: {}. Once signed, the check can go on.", who.en),
            ));
        }
    }
    let also: Vec<Text> = verdict.also_meets.iter().flatten().map(|circle| words::circle(*circle)).collect();
    if !also.is_empty() {
        let also = list(&also);
        lines.push(line(
            format!("您家同时也符合：{}。", also.zh),
            format!("Your household also meets the conditions of: {}.", also.en),
        ));
    }
    section("result", "核对结果", "Result", lines)
}

/// `每人每月500.00元`, for print only.
fn for_each(amount: Money, people: usize) -> Result<Text, Overflow> {
    let heads = i64::try_from(people).map_err(|_| Overflow)?.checked_mul(12).ok_or(Overflow)?;
    if heads == 0 {
        return Ok(line("", ""));
    }
    let share = yuan(Exact::from(amount).share(heads)?);
    Ok(line(format!("，平均每人每月{}", share.zh), format!(", {} a head and month", share.en)))
}

fn income(story: &Story<'_>) -> Result<Section, Overflow> {
    let verdict = story.verdict();
    let mut lines = Vec::new();
    let sums: Option<(usize, Sums)> =
        verdict.computed.as_ref().and_then(|computed| Some((computed.household_size, computed.sums?)));
    if let Some((people, sums)) = sums.filter(|(people, _)| *people > 0) {
        let (all, head) = (yuan(sums.countable_income_12m), for_each(sums.countable_income_12m, people)?);
        let is_apart = story.node("income").is_some_and(|node| node.input_is("tekun_members_apart"));
        let (apart_zh, apart_en) = if is_apart {
            ("（特困人员本人的收入另外算，不在里面）", ", without the income of those in extreme hardship")
        } else {
            ("", "")
        };
        lines.push(line(
            format!("最近十二个月，您家计入的收入一共是{}{}{apart_zh}。", all.zh, head.zh),
            format!(
                "Over the last twelve months your household's income that counts is {}{}{apart_en}.",
                all.en, head.en
            ),
        ));
        lines.extend(story.each("income.item").filter_map(|node| income_item(story, node)));
        let support = story.each("income.support").fold(0_i64, |sum, node| sum.saturating_add(node.amount().fen()));
        if support > 0 {
            let support = yuan(Money::from_fen(support));
            lines.push(line(
                format!("  不和您家一起生活的亲属应当给的赡养、抚养、扶养费：计入{}。", support.zh),
                format!("  support owed by relatives who do not live with you: {} counts.", support.en),
            ));
        }
        for (zh, en, amount) in [
            ("当地低保标准", "The local dibao standard", sums.dibao_line_12m),
            ("低收入家庭标准", "The line of low-income households", sums.low_income_line_12m),
        ] {
            let (all, head) = (yuan(amount), for_each(amount, people)?);
            lines.push(line(
                format!("{zh}：您家{people}人十二个月是{}{}。", all.zh, head.zh),
                format!("{en} for {people} over twelve months is {}{}.", all.en, head.en),
            ));
        }
        if sums.rigid_expenditure_12m > Money::ZERO {
            let spent = yuan(sums.rigid_expenditure_12m);
            lines.push(line(
                format!("因病、因残、上学、意外等必需的支出（扣除报销后）：计入{}。", spent.zh),
                format!(
                    "Unavoidable spending on illness, disability, school or accident, after reimbursement: {} counts.",
                    spent.en
                ),
            ));
        }
        let (mut all_zh, mut all_en) = ("", "");
        if let Some(left) = super::deciding::margin(verdict, "income_after_deduction_below_standard") {
            (all_zh, all_en) = ("全部", "all of ");
            let left = yuan(left.value);
            lines.push(line(
                format!("其中因病、因残的支出，按当地规定先从收入里扣掉，再和低保标准比较；扣掉后是{}。", left.zh),
                format!(
                    "By the rules of your place, what of it was spent on illness and disability is first taken off the income before it is compared with the dibao standard; that leaves {}.",
                    left.en
                ),
            ));
        }
        let net = super::deciding::margin(verdict, "net_income_below_standard");
        if let Some(net) = net.filter(|_| sums.rigid_expenditure_12m > Money::ZERO) {
            let net = yuan(net.value);
            lines.push(line(
                format!("扣掉{all_zh}这些支出后，您家的收入是{}。", net.zh),
                format!("After {all_en}this spending your household's income is {}.", net.en),
            ));
        }
    }
    for node in story.each("tekun.member").filter(|node| node.input_is("care_level")) {
        let Some(comparison) = node.comparison() else { continue };
        let (Value::Money(own), Value::Money(limit)) = (&comparison.left, &comparison.right) else { continue };
        let who = story.persons.plain(node.subject.unwrap_or_default());
        let (own, limit, left_out) = (yuan(*own), yuan(*limit), super::deciding::left_out(node));
        lines.push(line(
            format!(
                "{}本人最近十二个月计入的收入是{}{}，一个人十二个月的低保标准是{}。",
                who.zh, own.zh, left_out.zh, limit.zh
            ),
            format!(
                "Own income of {} that counts over twelve months is {}{}; the dibao standard of one person over twelve months is {}.",
                who.en, own.en, left_out.en, limit.en
            ),
        ));
    }
    Ok(section("sums", "收入是怎样算的", "How income was worked out", lines))
}

/// One income; nothing of persons who do not count, nor of records that another one overrules.
fn income_item(story: &Story<'_>, node: Node<'_>) -> Option<Text> {
    let treatment = node.text("treatment");
    if matches!(treatment.as_str(), "NOT_OF_HOUSEHOLD" | "DUPLICATE_MERGED" | "CONFLICT_OVERRULED") {
        return None;
    }
    let who = story.persons.plain(node.subject.unwrap_or_default());
    let kind = plain_kind(&node.text("kind"), "收入", "income");
    let (amount, counted) = (yuan(node.money("amount_12m")), yuan(node.amount()));
    let by = told_by(story, node.source());
    let how = match treatment.as_str() {
        "EXEMPT_KIND" => line("按规定不计入", "by the rules it does not count"),
        "BASIC_PORTION_EXEMPT" => line(
            format!("其中基础养老金按规定不计入，计入{}", counted.zh),
            format!("the basic pension in it does not count, {} counts", counted.en),
        ),
        "EMPLOYMENT_COST_DEDUCTED" => line(
            format!("扣除就业成本后计入{}", counted.zh),
            format!("after the cost of going to work {} counts", counted.en),
        ),
        "PAID_OUT" => line("是付出去的钱，从收入里减去", "is money paid out, taken off the income"),
        _ => line(format!("计入{}", counted.zh), format!("{} counts", counted.en)),
    };
    Some(line(
        format!("  {}的{}{}（{}）：{}。", who.zh, kind.zh, amount.zh, by.zh, how.zh),
        format!("  {} of {}: {} ({}): {}.", kind.en, who.en, amount.en, by.en, how.en),
    ))
}

/// A kind in words; a code that has none is never shown.
fn plain_kind(kind: &str, zh: &str, en: &str) -> Text {
    words::known_kind(kind).unwrap_or_else(|| line(format!("其他{zh}"), format!("other {en}")))
}

fn told_by(story: &Story<'_>, source: Option<&Source>) -> Text {
    match source {
        Some(Source::Department(id)) => {
            let name = department(story.catalogue(), id.as_str());
            line(format!("{}部门的记录", name.zh), format!("record of {}", name.en))
        }
        Some(Source::Declared) | None => line("您的申报", "your declaration"),
    }
}

fn property(story: &Story<'_>) -> Section {
    let mut lines = Vec::new();
    let tests = story.nodes().filter(|node| node.rule.starts_with("property."));
    for node in tests {
        lines.extend(property_line(node));
    }
    if !lines.is_empty() {
        lines.push(line(
            "您申报的财产按您的申报计算，没有经过部门核实；存款、车辆等由其他单位掌握的，这次没有查询。",
            "Property you declared is taken as you declared it and was not checked; what others keep records of, such as deposits and vehicles, was not asked about.",
        ));
    }
    section("property", "财产", "Property", lines)
}

fn property_line(node: Node<'_>) -> Option<Text> {
    let is_recorded = node.inputs().iter().any(|input| matches!(input.source, Some(Source::Department(_))));
    let verdict = if node.result == Outcome::Unknown {
        line("", "")
    } else if !node.holds() {
        line("，超过了当地规定", ", which is above what the rules of your place allow")
    } else if is_recorded {
        line("，没有超过当地规定", ", which is within what the rules of your place allow")
    } else {
        // Nobody looked: the household's own word is within the limit, no more.
        line("，照您的申报没有超过", ", by your declaration not above it")
    };
    let sides = node.comparison().map(|comparison| (&comparison.left, &comparison.right));
    let any = !node.inputs().is_empty();
    let basis = basis(node);
    match (node.rule, sides) {
        ("property.financial", Some((Value::Money(owned), Value::Money(limit)))) if any => {
            let (owned, limit) = (yuan(*owned), yuan(*limit));
            Some(line(
                format!("存款等金融资产{}（{}），限额是{}{}。", owned.zh, basis.zh, limit.zh, verdict.zh),
                format!(
                    "Deposits and other financial assets: {} ({}), the limit is {}{}.",
                    owned.en, basis.en, limit.en, verdict.en
                ),
            ))
        }
        ("property.dwellings", Some((Value::Count(owned), Value::Count(limit)))) if any => Some(line(
            format!("住房{owned}套（{}），规定不超过{limit}套{}。", basis.zh, verdict.zh),
            format!("Dwellings: {owned} ({}), {limit} may be owned{}.", basis.en, verdict.en),
        )),
        ("property.business_capital", Some((Value::Money(owned), Value::Money(limit)))) if any => {
            let (owned, limit) = (yuan(*owned), yuan(*limit));
            Some(line(
                format!("企业、个体户等出资{}（{}），限额是{}{}。", owned.zh, basis.zh, limit.zh, verdict.zh),
                format!("Capital in businesses: {} ({}), the limit is {}{}.", owned.en, basis.en, limit.en, verdict.en),
            ))
        }
        ("property.non_residential", _) if any && node.result == Outcome::Holds(false) => Some(line(
            format!("有商铺、车位等非居住用房（{}）{}。", basis.zh, verdict.zh),
            format!(
                "There is property that is not lived in, such as a shop or a parking space ({}){}.",
                basis.en, verdict.en
            ),
        )),
        ("property.vehicle", _) if any && node.result == Outcome::Holds(false) => Some(line(
            format!("有按规定要计入的车辆（{}）{}。", basis.zh, verdict.zh),
            format!("There is a vehicle that counts ({}){}.", basis.en, verdict.en),
        )),
        _ => None,
    }
}

/// Whose word it is: declared, recorded, or both.
fn basis(node: Node<'_>) -> Text {
    let sources = || node.inputs().iter().filter_map(|input| input.source);
    let declared = sources().any(|source| matches!(source, Source::Declared));
    let recorded = sources().any(|source| matches!(source, Source::Department(_)));
    match (declared, recorded) {
        (true, true) => line("您的申报和部门的记录", "your declaration and departments' records"),
        (false, true) => line("部门的记录", "departments' records"),
        _ => line("只有您的申报", "only your declaration"),
    }
}

fn outcomes(story: &Story<'_>) -> Section {
    let verdict = story.verdict();
    let mut lines = Vec::new();
    for outcome in verdict.member_outcomes.iter().flatten() {
        let who = story.persons.plain(outcome.member_id.as_str());
        lines.push(match (outcome.circle, outcome.monthly_amount, outcome.care_level) {
            (Circle::Tekun, _, Some(care)) => {
                let care = words::care(care);
                line(
                    format!("{}符合特困人员救助供养的条件（{}）。", who.zh, care.zh),
                    format!("{} meets the conditions of support in extreme hardship ({}).", capital(&who.en), care.en),
                )
            }
            (_, Some(amount), _) => {
                let amount = yuan(amount);
                line(
                    format!("{}可以单独申请低保（参照单人户），测算每月{}。", who.zh, amount.zh),
                    format!("{} may apply for dibao alone; as computed, {} a month.", capital(&who.en), amount.en),
                )
            }
            _ => continue,
        });
    }
    if let Some(hint) = &verdict.benefit_hint {
        let amount = hint.monthly_total.or(hint.monthly_base).map(yuan);
        lines.extend(match (hint.mode, amount) {
            (HintMode::Tiered, _) => Some(line(
                "救助金按档次发放，由工作人员确定。",
                "The benefit is paid by tier; a person sets the tier.",
            )),
            (HintMode::KeepPrior, _) => Some(line(
                "因为家里有人找到工作，收入超过了标准；在渐退期内，原来的救助金继续发放。",
                "Somebody in your household found work and income rose above the standard; for a time the benefit goes on as before.",
            )),
            (HintMode::Difference, Some(amount)) => {
                let more = topped_up(story, hint);
                Some(line(
                    format!("救助金测算为每月{}{}。", amount.zh, more.zh),
                    format!("The benefit as computed is {} a month{}.", amount.en, more.en),
                ))
            }
            (HintMode::Difference, None) => None,
        });
    }
    if verdict.reason_codes.iter().any(|code| code == "BENEFIT_STOPPED_JOB_REFUSALS") {
        lines.push(line(
            "有成员三次没有正当理由拒绝介绍的合适工作，按规定减去了本人的部分；有正当理由的，请告诉工作人员。",
            "A member refused suitable work three times without reason, so that person's part is taken off; if there was a reason, tell the office.",
        ));
    }
    if let Some(months) = verdict.review_cycle_months {
        lines.push(line(
            format!("{months}个月后会再核查一次。家里的人口、收入、财产有变化的，请及时报告。"),
            format!("The case is looked at again after {months} months. Report changes of members, income or property in time."),
        ));
    }
    if let Some(adjustment) = &verdict.adjustment {
        lines.push(if adjustment.is_material {
            line(
                "家里的收入或人数与上次核定相比变化明显，救助金会按现在的情况调整。",
                "Your household's income or members have changed much since the last review; the benefit is adjusted to what is now.",
            )
        } else {
            line(
                "家里的收入与上次核定相比变化不大，下次核查前救助金不变。",
                "Your household's income has changed little since the last review; the benefit stays until the next one.",
            )
        });
    }
    if let Some(opened) = verdict.referrals.as_deref().filter(|opened| !opened.is_empty()) {
        let names: Vec<Text> = opened.iter().filter_map(|kind| words::code(kind.as_str())).collect();
        let names = list(&names);
        lines.push(line(
            format!("有需要的，还可以申请{}，由各主管部门审核。", names.zh),
            format!("Where there is need you may also apply for {}; each department decides.", names.en),
        ));
    }
    section("outcomes", "如果审核通过", "If it is confirmed", lines)
}

/// `，其中户主（66岁）因是老年人增加82.90元`; nothing where nothing is added.
fn topped_up(story: &Story<'_>, hint: &BenefitHint) -> Text {
    let topups = hint.topups.as_deref().unwrap_or_default();
    let each: Vec<Text> = topups
        .iter()
        .map(|topup| {
            let who = story.persons.plain(topup.member_id.as_str());
            let (ground, amount) = (words::ground(topup.ground.as_str()), yuan(topup.monthly_amount));
            line(
                format!("{}因是{}增加{}", who.zh, ground.zh, amount.zh),
                format!("{} more for {} ({})", amount.en, who.en, ground.en),
            )
        })
        .collect();
    if each.is_empty() {
        return line("", "");
    }
    let each = list(&each);
    line(format!("，其中{}", each.zh), format!(", of which {}", each.en))
}

fn missing(story: &Story<'_>) -> Section {
    let verdict = story.verdict();
    let gaps: Vec<_> = verdict.gaps.iter().map(|gap| &gap.department).collect();
    if gaps.is_empty() {
        return section("missing", "还没有核对到的", "What is not checked yet", Vec::new());
    }
    let all = departments(story.catalogue(), gaps);
    let mut lines = vec![line(
        format!("还没有答复的部门：{}。没有答复不等于没有记录。", all.zh),
        format!("Not answered yet: {}. No answer is not the same as no record.", all.en),
    )];
    let blocking = verdict.blocking_departments.as_deref().unwrap_or_default();
    if verdict.status == Status::PendingData {
        let waiting = departments(story.catalogue(), blocking);
        lines.push(if blocking.is_empty() {
            line("这些部门答复以后，会重新得出结果。", "When they have answered, there will be a result.")
        } else {
            line(
                format!("{}答复以后，会重新得出结果。", waiting.zh),
                format!("When {} has answered, there will be a result.", waiting.en),
            )
        });
    } else if verdict.is_final() {
        lines.push(line(
            "不管这些部门怎样答复，上面的结果都不会改变。",
            "Whatever they answer, the result above does not change.",
        ));
    }
    section("missing", "还没有核对到的", "What is not checked yet", lines)
}

/// What is nearest among what the household does not meet, and what is in the way.
fn changes(story: &Story<'_>) -> Section {
    let lines = match story.verdict().is_final().then(|| nearest(story)).flatten() {
        None => Vec::new(),
        Some((then, Way::Property(over))) => {
            let (then, over) = (words::circle(then), list(&over));
            vec![line(
                format!("最近的是{}：差在财产（{}）。", then.zh, over.zh),
                format!("Nearest is {}: property is in the way ({}).", then.en, over.en),
            )]
        }
        Some((then, Way::Amount(point))) => {
            let then = words::circle(then);
            let (amount, head) = (yuan(size_of(point.change)), a_head(point.per_head_month));
            let (zh, en) = match point.quantity {
                Quantity::Expenditure => ("必需的支出还少", "unavoidable spending is short by"),
                Quantity::IllnessCosts => {
                    ("因病、因残必需的支出还少", "unavoidable spending on illness and disability is short by")
                }
                Quantity::Income | Quantity::FinancialAssets => {
                    ("计入的收入多出", "the income that counts is too high by")
                }
            };
            vec![line(
                format!("最近的是{}：{zh}{}{}。", then.zh, amount.zh, head.zh),
                format!("Nearest is {}: {en} {}{}.", then.en, amount.en, head.en),
            )]
        }
    };
    section("changes", "离哪个条件最近", "What is nearest", lines)
}

fn rights() -> Section {
    let clauses = Clauses::shipped();
    let cite = |id: &str| clauses.get(id).map_or_else(|| line("", ""), crate::verdict::clauses::ClauseText::citation);
    let (explanation, appeal) = (cite(clause::EXPLANATION), cite(clause::APPEAL));
    let lines = vec![
        line(
            format!("您有权要求说明这个结果是怎样得出的，也有权拒绝只由电脑自动作出的决定（{}）。", explanation.zh),
            format!(
                "You may ask how this result came about, and may refuse a decision made by a computer alone ({}).",
                explanation.en
            ),
        ),
        line(
            "如果觉得哪里不对，可以申请复核：请到受理申请的乡镇人民政府或者街道办事处说明，带上有关证明。部门记录有错的，可以要求更正。",
            "If something seems wrong, ask for a recheck (复核) at the township or subdistrict office that took the application, and bring what proves it. A wrong record may be corrected on request.",
        ),
        line("您也可以要求由人工办理。", "You may also ask for the matter to be handled by hand."),
        line(
            format!("对以后作出的救助决定不服的，可以依法申请行政复议或者提起行政诉讼（{}）。", appeal.zh),
            format!(
                "Against a decision made later you may ask for administrative review or go to court ({}).",
                appeal.en
            ),
        ),
    ];
    section("rights", "您的权利", "Your rights", lines)
}
