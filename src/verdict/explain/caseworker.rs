//! The caseworker's view: what decided, the sums, the members' outcomes, what to verify, what is missing, on which clauses.

use super::changes::{capital, changes, effect};
use super::deciding::{headline, sentence};
use super::{
    Report, Section, Story, View, basis, closing, compared, department, line, list, printed, section, size_of, source,
    spared, title, words, yuan,
};
use crate::domain::household::MemberRef;
use crate::domain::money::Money;
use crate::domain::problem::Text;
use crate::verdict::adjustment::ToldAdjustment;
use crate::verdict::benefit::HintMode;
use crate::verdict::circle::Circle;
use crate::verdict::clauses::{Clauses, Strength};
use crate::verdict::trace::{Node, Outcome, Value};
use crate::verdict::wire::{BenefitHint, ToldTopUp};

pub(super) fn report(story: &Story<'_>) -> Report {
    let sections = [
        Some(sums(story)),
        Some(outcomes(story)),
        compared::section_of(story),
        Some(reasons(story)),
        Some(missing(story)),
        Some(spared::section_of(story)),
        Some(changes(story)),
        Some(clauses(story)),
        Some(sources(story)),
    ];
    Report {
        view: View::Caseworker,
        title: title(View::Caseworker),
        headline: headline(story.matter),
        sentence: Some(sentence(story)),
        sections: sections.into_iter().flatten().filter(|section| !section.lines.is_empty()).collect(),
        closing: closing(),
    }
}

/// Income and expenditure item by item, and every comparison with its limit.
fn sums(story: &Story<'_>) -> Section {
    let mut lines: Vec<Text> = spared::caution(story).into_iter().collect();
    if let Some(parameters) = story.matter.parameters {
        lines.push(line(
            format!("适用标准：{}（{}）。", parameters.title(), parameters.name()),
            format!("Standards used: {} ({}).", parameters.title(), parameters.name()),
        ));
    }
    for node in story.nodes() {
        match node.rule {
            "income.item" => lines.push(income_item(story, node)),
            "income.support" => lines.push(support(node)),
            "expenditure.item" => lines.push(expenditure_item(story, node)),
            "income" => lines.extend(income_total(story, node)),
            "expenditure" if node.children().next().is_some() => {
                let total = yuan(node.amount());
                let (from, to) = (node.text("window_from"), node.text("window_to"));
                lines.push(line(
                    format!("{from}至{to}刚性支出合计{}，其中：", total.zh),
                    format!("Rigid expenditure from {from} to {to}: {}, of which:", total.en),
                ));
            }
            _ => {}
        }
    }
    lines.extend(story.nodes().filter(|node| is_asked(story, *node)).filter_map(|node| comparison(story, node)));
    section("sums", "计算", "Sums", lines)
}

/// The sum that is compared with the lines. Income of tekun members is listed too, and is not in it.
fn income_total(story: &Story<'_>, node: Node<'_>) -> Option<Text> {
    let total = yuan(node.amount());
    let has_items = node.children().next().is_some();
    if story.verdict().circle() == Some(Circle::Tekun) {
        return has_items.then(|| line("十二个月计入收入：", "Countable income of twelve months:"));
    }
    let (of_zh, of_en) = match (has_items, node.input_is("tekun_members_apart")) {
        (false, _) => ("。", "."),
        (true, false) => ("，其中：", ", of which:"),
        (true, true) => ("（特困成员的收入另计，不在其内）。各项：", ", without that of tekun members. Each item:"),
    };
    Some(line(
        format!("十二个月计入收入合计{}{of_zh}", total.zh),
        format!("Countable income of twelve months: {}{of_en}", total.en),
    ))
}

/// Below the dibao line nobody asks for the lines above it.
fn is_asked(story: &Story<'_>, node: Node<'_>) -> bool {
    let is_of_higher = node.rule.starts_with("circle.low_income") || node.rule.starts_with("circle.expenditure");
    !(is_of_higher && story.node("circle.dibao").is_some_and(is_below))
}

/// Income is below the dibao line. Property decides the circle too; the comparison is of income alone.
fn is_below(node: Node<'_>) -> bool {
    node.holds() || node.margin().is_some_and(|margin| margin > Money::ZERO)
}

fn income_item(story: &Story<'_>, node: Node<'_>) -> Text {
    let who = story.persons.named(node.subject.unwrap_or_default());
    let kind = words::kind(&node.text("kind"));
    let (amount, counted) = (yuan(node.money("amount_12m")), yuan(node.amount()));
    let treatment = words::income_treatment(&node.text("treatment"));
    let by = source(story.catalogue(), node.source());
    line(
        format!("  {} {}：{}，计入{}（{}；{}）", who.zh, kind.zh, amount.zh, counted.zh, treatment.zh, by.zh),
        format!("  {}, {}: {}, counts {} ({}; {})", who.en, kind.en, amount.en, counted.en, treatment.en, by.en),
    )
}

fn support(node: Node<'_>) -> Text {
    let who = node.subject.unwrap_or_default();
    let amount = yuan(node.amount());
    let basis = words::support_basis(&node.text("basis"));
    line(
        format!("  义务人 {who}：{}（{}）", amount.zh, basis.zh),
        format!("  obligor {who}: {} ({})", amount.en, basis.en),
    )
}

fn expenditure_item(story: &Story<'_>, node: Node<'_>) -> Text {
    let who = story.persons.named(node.subject.unwrap_or_default());
    let kind = words::kind(&node.text("kind"));
    let (gross, covered, counted) = (yuan(node.money("gross")), yuan(node.money("covered")), yuan(node.amount()));
    let treatment = words::expenditure_treatment(&node.text("treatment"));
    let (paid_on, by) = (node.text("paid_on"), source(story.catalogue(), node.source()));
    line(
        format!(
            "  {} {}（{paid_on}）：总额{}，报销{}，计入{}（{}；{}）",
            who.zh, kind.zh, gross.zh, covered.zh, counted.zh, treatment.zh, by.zh
        ),
        format!(
            "  {}, {} ({paid_on}): bill {}, reimbursed {}, counts {} ({}; {})",
            who.en, kind.en, gross.en, covered.en, counted.en, treatment.en, by.en
        ),
    )
}

fn comparison(story: &Story<'_>, node: Node<'_>) -> Option<Text> {
    let comparison = node.comparison()?;
    // Where the pack has something taken off income, the test is of what is left.
    let rule = if node.rule == "circle.dibao" && node.children().next().is_some() {
        "circle.dibao.deduction"
    } else {
        node.rule
    };
    let label = words::comparison(rule).filter(|_| node.result != Outcome::Unknown)?;
    let side = |value: &Value<'_>| match value {
        Value::Money(money) => yuan(*money),
        other => line(printed(other), printed(other)),
    };
    let (left, right) = (side(&comparison.left), side(&comparison.right));
    let holds = match node.rule {
        // The node's own result says why somebody is or is not 特困; the comparison is of income alone.
        "tekun.member" => node.margin().is_some_and(|margin| margin > Money::ZERO),
        "circle.dibao" => is_below(node),
        _ => node.holds(),
    };
    let (verdict_zh, verdict_en) = if holds { ("成立", "holds") } else { ("不成立", "does not hold") };
    let (who_zh, who_en) = match (node.rule, node.subject) {
        ("tekun.member", Some(reference)) => {
            let who = story.persons.named(reference);
            (format!("{} ", who.zh), format!("{}: ", who.en))
        }
        _ => (String::new(), String::new()),
    };
    let sign = words::sign(comparison.sign);
    let (basis_zh, basis_en) = match basis(story, node) {
        Some(basis) => (format!("（{}）", basis.zh), format!(" ({})", basis.en)),
        None => (String::new(), String::new()),
    };
    let left_out = super::deciding::left_out(node);
    Some(line(
        format!("{who_zh}{}：{}{} {sign} {}，{verdict_zh}{basis_zh}。", label.zh, left.zh, left_out.zh, right.zh),
        format!("{who_en}{}: {}{} {sign} {}: {verdict_en}{basis_en}.", label.en, left.en, left_out.en, right.en),
    ))
}

/// Circle, members, emergency, benefit and review.
fn outcomes(story: &Story<'_>) -> Section {
    let verdict = story.verdict();
    let mut lines = Vec::new();
    if verdict.emergency_overlay == Some(true) {
        lines.push(line(
            "急难：应立即先行救助，不等待核对结果。",
            "Emergency: first aid is due at once and waits for no check.",
        ));
    }
    for circle in verdict.also_meets.iter().flatten() {
        let name = words::circle(*circle);
        lines.push(line(format!("同时符合：{}。", name.zh), format!("Also meets: {}.", name.en)));
    }
    for outcome in verdict.member_outcomes.iter().flatten() {
        let name = words::circle(outcome.circle);
        let detail = match (outcome.monthly_amount, outcome.care_level) {
            (Some(amount), _) => {
                let amount = yuan(amount);
                line(format!("，每月{}", amount.zh), format!(", {} a month", amount.en))
            }
            (None, Some(care)) => {
                let care = words::care(care);
                line(format!("，{}", care.zh), format!(", {}", care.en))
            }
            (None, None) => line("", ""),
        };
        let who = story.persons.named(outcome.member_id.as_str());
        lines.push(line(
            format!("{}：{}{}。", who.zh, name.zh, detail.zh),
            format!("{}: {}{}.", who.en, name.en, detail.en),
        ));
    }
    if let Some(hint) = &verdict.benefit_hint {
        let amount = hint.monthly_total.or(hint.monthly_base).map(yuan);
        lines.push(match (hint.mode, amount) {
            (HintMode::Tiered, _) => by_tier(story),
            (HintMode::KeepPrior, Some(amount)) => line(
                format!("渐退期内保持原救助金每月{}。", amount.zh),
                format!("In the graduation period the benefit stays {} a month.", amount.en),
            ),
            (HintMode::KeepPrior, None) => {
                line("渐退期内保持原救助金。", "In the graduation period the benefit stays as it was.")
            }
            (HintMode::Difference, amount) => {
                let amount = amount.unwrap_or_else(|| yuan(Money::ZERO));
                let parts = benefit_parts(story, hint);
                line(
                    format!("救助金测算：每月{}{}。", amount.zh, parts.zh),
                    format!("Benefit as computed: {} a month{}.", amount.en, parts.en),
                )
            }
        });
    }
    if let Some(months) = verdict.review_cycle_months {
        lines.push(line(format!("{months}个月后核查。"), format!("To be reviewed after {months} months.")));
    }
    if let Some(adjustment) = &verdict.adjustment {
        lines.push(adjusted(adjustment));
    }
    if let Some(opened) = verdict.referrals.as_deref().filter(|opened| !opened.is_empty()) {
        let names: Vec<Text> = opened.iter().filter_map(|kind| words::code(kind.as_str())).collect();
        let names = list(&names);
        lines.push(line(
            format!("可以转介：{}，由各主管部门审核。", names.zh),
            format!("May be referred to: {}; each department decides on its own.", names.en),
        ));
    }
    section("outcomes", "结果", "Outcomes", lines)
}

/// The tiers of the place, among which an officer chooses.
fn by_tier(story: &Story<'_>) -> Text {
    let tiers = story.matter.parameters.and_then(|own| own.values().tiers.as_deref()).unwrap_or_default();
    let each: Vec<Text> = tiers
        .iter()
        .map(|tier| {
            let amount = yuan(tier.per_person_monthly);
            let unit = if tier.tier.ends_with('档') { "" } else { "档" };
            line(format!("{}{unit}{}", tier.tier, amount.zh), format!("{} {}", tier.tier, amount.en))
        })
        .collect();
    if each.is_empty() {
        return line("救助金按档次由经办人员确定。", "The benefit is set by tier; an officer chooses the tier.");
    }
    let each = list(&each);
    line(
        format!("救助金按档次由经办人员确定，每人每月：{}。", each.zh),
        format!("The benefit is set by tier; an officer chooses the tier. A person and month: {}.", each.en),
    )
}

/// Whether the amount changes before the review is due.
fn adjusted(adjustment: &ToldAdjustment) -> Text {
    let (until, change) = (adjustment.cycle_ends_on, adjustment.income_change_12m);
    let (moved, allowed) = (yuan(size_of(change)), yuan(adjustment.allowed_change_12m));
    let (way_zh, way_en) = if change < Money::ZERO { ("减少", "less") } else { ("增加", "more") };
    let told = line(
        format!("复核期至{until}：十二个月收入比上次核定{way_zh}{}，限度{}", moved.zh, allowed.zh),
        format!(
            "Inside the review cycle until {until}: income of twelve months is {} {way_en} than at the last review, {} may be",
            moved.en, allowed.en
        ),
    );
    let kept = adjustment.kept_monthly_total.map(yuan);
    let (zh, en) = match (adjustment.is_material, adjustment.is_same_size, kept) {
        (true, false, _) => (
            "；计入人数有变化，救助金应当调整".to_owned(),
            "; other persons count than then, so the benefit is to be adjusted".to_owned(),
        ),
        (true, true, _) => (
            "；变化明显，救助金应当调整".to_owned(),
            "; the change is material and the benefit is to be adjusted".to_owned(),
        ),
        (false, _, Some(kept)) => (
            format!("；没有明显变化，救助金不作调整，仍为每月{}", kept.zh),
            format!("; no material change, so the benefit stays {} a month", kept.en),
        ),
        (false, _, None) => {
            ("；没有明显变化，救助金不作调整".to_owned(), "; no material change, so the benefit stays".to_owned())
        }
    };
    line(format!("{}{zh}。", told.zh), format!("{}{en}.", told.en))
}

/// `（差额458.00元；m1 户主（66岁）老年人增发10%，82.90元）`; nothing where there is only the difference.
fn benefit_parts(story: &Story<'_>, hint: &BenefitHint) -> Text {
    let (Some(base), Some(topups)) = (hint.monthly_base, hint.topups.as_deref().filter(|topups| !topups.is_empty()))
    else {
        return line("", "");
    };
    let topup = |topup: &ToldTopUp| {
        let who = story.persons.named(topup.member_id.as_str());
        let (ground, amount) = (words::ground(topup.ground.as_str()), yuan(topup.monthly_amount));
        let percent = topup.percent;
        line(
            format!("{}按{}增发{percent}%，{}", who.zh, ground.zh, amount.zh),
            format!("top-up of {percent} % for {} ({}), {}", who.en, ground.en, amount.en),
        )
    };
    let (base, topups) = (yuan(base), topups.iter().map(topup).collect::<Vec<_>>());
    line(
        format!("（差额{}；{}）", base.zh, super::join(&topups, |text| &text.zh, "；")),
        format!(" (difference {}; {})", base.en, super::join(&topups, |text| &text.en, "; ")),
    )
}

/// Every reason code in words.
fn reasons(story: &Story<'_>) -> Section {
    let words = story.verdict().reason_codes.iter().map(|code| words::reason(story.catalogue(), code));
    let lines = words.map(|words| line(format!("{}。", words.zh), capital(&format!("{}.", words.en)))).collect();
    section("reasons", "理由", "Reasons", lines)
}

/// Each gap, why, and whether it matters.
fn missing(story: &Story<'_>) -> Section {
    let gap = |gap: &crate::verdict::unknowns::GapFinding| {
        let name = department(story.catalogue(), gap.department.as_str());
        let name = match gap.members.iter().map(MemberRef::as_str).collect::<Vec<_>>().as_slice() {
            [] => name,
            members => Text::new(
                format!("{}（仅 {}）", name.zh, members.join("、")),
                format!("{} (of {} only)", name.en, members.join(", ")),
            ),
        };
        let reason = words::gap_reason(gap.reason);
        let facts_gap = story.matter.facts.gaps.iter().find(|own| own.department == gap.department);
        let effects: Vec<Text> = facts_gap
            .into_iter()
            .flat_map(|own| own.effects.iter().map(move |known| effect(story.catalogue(), own, *known)))
            .collect();
        let shows =
            line(super::join(&effects, |text| &text.zh, "，或者"), super::join(&effects, |text| &text.en, ", or "));
        match (gap.could_change, gap.could_change_members) {
            _ if effects.is_empty() => {
                line(format!("{}：{}。", name.zh, reason.zh), format!("{}: {}.", name.en, reason.en))
            }
            (true, _) => line(
                format!("{}：{}；若{}，可能改变结果。", name.zh, reason.zh, shows.zh),
                format!("{}: {}; if it {}, this could change the result.", name.en, reason.en, shows.en),
            ),
            (false, true) => line(
                format!("{}：{}；若{}，不会改变家庭圈层，但可能改变个别成员的结果。", name.zh, reason.zh, shows.zh),
                format!(
                    "{}: {}; if it {}, the household's circle stays, but a member's outcome could change.",
                    name.en, reason.en, shows.en
                ),
            ),
            (false, false) => line(
                format!("{}：{}；即使{}，也不会改变结果。", name.zh, reason.zh, shows.zh),
                format!("{}: {}; even if it {}, the result stays.", name.en, reason.en, shows.en),
            ),
        }
    };
    section("missing", "未取得的数据", "What is missing", story.verdict().gaps.iter().map(gap).collect())
}

/// The clauses the verdict rests on, as a person would cite them, and where each of their documents is.
fn clauses(story: &Story<'_>) -> Section {
    let mut lines: Vec<Text> = story
        .verdict()
        .deciding_clauses
        .iter()
        .map(|id| match Clauses::shipped().get(id) {
            Some(clause) => {
                let cited = clause.citation();
                let about = clause.about();
                let sure = match clause.strength {
                    Strength::Law => line("", ""),
                    other => {
                        let sure = other.text();
                        line(format!("（{}）", sure.zh), format!(" ({})", sure.en))
                    }
                };
                line(format!("{}{}{}。", cited.zh, about.zh, sure.zh), format!("{}{}{}.", cited.en, about.en, sure.en))
            }
            None => line(*id, *id),
        })
        .collect();
    let mut told: Vec<&str> = Vec::new();
    for clause in story.verdict().deciding_clauses.iter().filter_map(|id| Clauses::shipped().get(id)) {
        let document = &clause.document;
        if matches!(clause.strength, Strength::Local | Strength::Design) || told.contains(&document.id.as_str()) {
            continue;
        }
        told.push(&document.id);
        let (name, place) = (document.cited(), document.place());
        lines.push(line(
            format!("  原文：{}（{}），{}", name.zh, document.number, place.zh),
            format!("  text: {} ({}), {}", name.en, document.number, place.en),
        ));
    }
    section("clauses", "依据", "Clauses", lines)
}

/// Figures that are not verified, so that nobody takes them for the place's own.
fn sources(story: &Story<'_>) -> Section {
    let mut by_status: Vec<(&str, Vec<Text>)> = Vec::new();
    let uses = story.nodes().flat_map(Node::parameters);
    for used in uses.filter(|used| !used.provenance.status.starts_with("verified")) {
        let (status, name) = (used.provenance.status.as_str(), words::parameter(used.field));
        match by_status.iter_mut().find(|(own, _)| *own == status) {
            Some((_, names)) if names.contains(&name) => {}
            Some((_, names)) => names.push(name),
            None => by_status.push((status, vec![name])),
        }
    }
    let lines = by_status
        .into_iter()
        .map(|(status, names)| {
            let (status, names) = (words::status(status), list(&names));
            line(format!("{}：{}。", names.zh, status.zh), format!("{}: {}.", capital(&names.en), status.en))
        })
        .collect();
    section("sources", "未经当地文件证实的参数", "Figures that no document of the place confirms", lines)
}
