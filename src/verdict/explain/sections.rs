//! The sections of a report: sums, outcomes, reasons, what is missing, what would change it, sources.

use super::{Section, departments, words, yuan};
use crate::domain::dataset::Catalogue;
use crate::domain::money::Money;
use crate::domain::problem::Text;
use crate::policy::Parameters;
use crate::verdict::benefit::HintMode;
use crate::verdict::circle::Circle;
use crate::verdict::facts::Source;
use crate::verdict::trace::{Node, Outcome, Value};
use crate::verdict::unknowns::{Quantity, TippingPoint};
use crate::verdict::{Status, Verdict};

fn section(id: &'static str, zh: &str, en: &str, lines: Vec<Text>) -> Section {
    Section { id, title: Text::new(zh, en), lines }
}

fn line(zh: impl Into<String>, en: impl Into<String>) -> Text {
    Text::new(zh, en)
}

fn text_of(node: &Node, name: &str) -> String {
    let value = node.inputs.iter().find(|input| input.name == name).map(|input| &input.value);
    match value {
        Some(Value::Text(text)) => text.clone(),
        Some(Value::Date(date)) => date.to_string(),
        Some(Value::Count(count)) => count.to_string(),
        Some(Value::Money(money)) => money.yuan(),
        Some(Value::Flag(flag)) => flag.to_string(),
        None => String::new(),
    }
}

fn money_of(node: &Node, name: &str) -> Money {
    let value = node.inputs.iter().find(|input| input.name == name).map(|input| &input.value);
    match value {
        Some(Value::Money(money)) => *money,
        _ => Money::ZERO,
    }
}

const fn amount_of(node: &Node) -> Money {
    match node.result {
        Outcome::Amount(amount) => amount,
        _ => Money::ZERO,
    }
}

/// Income and expenditure item by item, and every comparison with its limit.
pub(super) fn sums(parameters: &Parameters, root: &Node) -> Section {
    let mut lines = Vec::new();
    lines.push(line(
        format!("标准适用：{}（{}）。", parameters.title(), parameters.name()),
        format!("Standards used: {} ({}).", parameters.title(), parameters.name()),
    ));
    for node in root.walk() {
        match node.rule {
            "income.item" => lines.push(income_item(node)),
            "income.support" => lines.push(support(node)),
            "expenditure.item" => lines.push(expenditure_item(node)),
            "income" => {
                let total = yuan(amount_of(node));
                lines.push(line(
                    format!("十二个月计入收入合计{}，其中：", total.zh),
                    format!("Countable income of twelve months: {}, of which:", total.en),
                ));
            }
            "expenditure" if !node.children.is_empty() => {
                let total = yuan(amount_of(node));
                let (from, to) = (text_of(node, "window_from"), text_of(node, "window_to"));
                lines.push(line(
                    format!("{from}至{to}刚性支出合计{}，其中：", total.zh),
                    format!("Rigid expenditure from {from} to {to}: {}, of which:", total.en),
                ));
            }
            _ => {}
        }
    }
    lines.extend(root.walk().into_iter().filter_map(comparison));
    section("sums", "计算", "Sums", lines)
}

fn income_item(node: &Node) -> Text {
    let (who, kind) = (node.subject.as_deref().unwrap_or_default(), text_of(node, "kind"));
    let (amount, counted) = (yuan(money_of(node, "amount_12m")), yuan(amount_of(node)));
    let treatment = words::income_treatment(&text_of(node, "treatment"));
    let source = source_of(node);
    line(
        format!(
            "　{who} {}：{}，计入{}（{}；{}）",
            words::kind(&kind).zh,
            amount.zh,
            counted.zh,
            treatment.zh,
            source.zh
        ),
        format!(
            "  {who} {}: {}, counts {} ({}; {})",
            words::kind(&kind).en,
            amount.en,
            counted.en,
            treatment.en,
            source.en
        ),
    )
}

fn support(node: &Node) -> Text {
    let who = node.subject.as_deref().unwrap_or_default();
    let amount = yuan(amount_of(node));
    let basis = words::support_basis(&text_of(node, "basis"));
    line(
        format!("　义务人 {who}：{}（{}）", amount.zh, basis.zh),
        format!("  obligor {who}: {} ({})", amount.en, basis.en),
    )
}

fn expenditure_item(node: &Node) -> Text {
    let (who, kind) = (node.subject.as_deref().unwrap_or_default(), text_of(node, "kind"));
    let (gross, covered) = (yuan(money_of(node, "gross")), yuan(money_of(node, "covered")));
    let counted = yuan(amount_of(node));
    let treatment = words::expenditure_treatment(&text_of(node, "treatment"));
    let kind = words::kind(&kind);
    let paid_on = text_of(node, "paid_on");
    line(
        format!(
            "　{who} {}（{paid_on}）：总额{}，报销{}，计入{}（{}）",
            kind.zh, gross.zh, covered.zh, counted.zh, treatment.zh
        ),
        format!(
            "  {who} {} ({paid_on}): bill {}, reimbursed {}, counts {} ({})",
            kind.en, gross.en, covered.en, counted.en, treatment.en
        ),
    )
}

fn source_of(node: &Node) -> Text {
    let source = node.inputs.iter().find_map(|input| input.source.as_ref());
    match source {
        Some(Source::Department(id)) => line(format!("部门数据 {id}"), format!("record of {id}")),
        Some(Source::Declared) | None => line("申报", "declared"),
    }
}

fn comparison(node: &Node) -> Option<Text> {
    let comparison = node.comparison.as_ref()?;
    let label = words::comparison(node.rule)?;
    let side = |value: &Value| match value {
        Value::Money(money) => yuan(*money),
        Value::Count(count) => line(count.to_string(), count.to_string()),
        _ => line("", ""),
    };
    let (left, right) = (side(&comparison.left), side(&comparison.right));
    let holds = matches!(node.result, Outcome::Holds(true));
    let (verdict_zh, verdict_en) = if holds { ("成立", "holds") } else { ("不成立", "does not hold") };
    let sign = comparison.sign;
    Some(line(
        format!("{}：{} {sign} {}，{verdict_zh}。", label.zh, left.zh, right.zh),
        format!("{}: {} {sign} {}: {verdict_en}.", label.en, left.en, right.en),
    ))
}

/// Circle, members, emergency, benefit and review.
pub(super) fn outcomes(verdict: &Verdict) -> Section {
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
        let who = &outcome.member_id;
        lines.push(line(
            format!("成员 {who}：{}{}。", name.zh, detail.zh),
            format!("Member {who}: {}{}.", name.en, detail.en),
        ));
    }
    if let Some(hint) = &verdict.benefit_hint {
        let amount = hint.monthly_total.or(hint.monthly_base).map(yuan);
        lines.push(match (hint.mode, amount) {
            (HintMode::Tiered, _) => {
                line("救助金按档次由经办人员确定。", "The benefit is set by tier; an officer chooses the tier.")
            }
            (HintMode::KeepPrior, Some(amount)) => line(
                format!("渐退期内保持原救助金每月{}。", amount.zh),
                format!("In the graduation period the benefit stays {} a month.", amount.en),
            ),
            (HintMode::KeepPrior, None) => {
                line("渐退期内保持原救助金。", "In the graduation period the benefit stays as it was.")
            }
            (HintMode::Difference, amount) => {
                let amount = amount.unwrap_or_else(|| yuan(Money::ZERO));
                line(format!("救助金测算：每月{}。", amount.zh), format!("Benefit as computed: {} a month.", amount.en))
            }
        });
    }
    if let Some(months) = verdict.review_cycle_months {
        lines.push(line(format!("{months}个月后核查。"), format!("To be reviewed after {months} months.")));
    }
    section("outcomes", "结果", "Outcomes", lines)
}

/// Every reason code in words, then the clauses.
pub(super) fn reasons(verdict: &Verdict) -> Section {
    let mut lines: Vec<Text> = verdict
        .reason_codes
        .iter()
        .map(|code| {
            let words = words::reason(code);
            line(format!("{}（{code}）", words.zh), format!("{} ({code})", words.en))
        })
        .collect();
    if !verdict.deciding_clauses.is_empty() {
        let clauses = verdict.deciding_clauses.join(", ");
        lines.push(line(format!("依据：{clauses}。"), format!("Clauses: {clauses}.")));
    }
    section("reasons", "理由", "Reasons", lines)
}

/// Each gap, why, and whether it matters.
pub(super) fn missing(catalogue: &Catalogue, verdict: &Verdict) -> Section {
    let gap = |gap: &crate::verdict::unknowns::GapFinding| {
        let name = departments(catalogue, std::slice::from_ref(&gap.department));
        let reason = words::gap_reason(gap.reason);
        let effect = match (gap.could_change, gap.could_change_members) {
            (true, _) => line("可能改变结果", "could change the result"),
            (false, true) => line(
                "不会改变家庭圈层，但可能改变个别成员的结果",
                "cannot change the household's circle, but could change a member's outcome",
            ),
            (false, false) => line("不会改变结果", "cannot change the result"),
        };
        line(
            format!("{}：{}，{}。", name.zh, reason.zh, effect.zh),
            format!("{}: {}; this {}.", name.en, reason.en, effect.en),
        )
    };
    section("missing", "未取得的数据", "What is missing", verdict.gaps.iter().map(gap).collect())
}

/// The tipping points.
pub(super) fn changes(catalogue: &Catalogue, verdict: &Verdict) -> Section {
    let lines = if matches!(verdict.status, Status::Determined | Status::PendingData) {
        verdict.tipping_points.iter().map(|point| change(catalogue, point)).collect()
    } else {
        Vec::new()
    };
    section("changes", "什么会改变结果", "What would change it", lines)
}

fn change(catalogue: &Catalogue, point: &TippingPoint) -> Text {
    let amount = yuan(Money::from_fen(point.change.fen().saturating_abs()));
    let head = yuan(Money::from_fen(point.per_head_month.fen().saturating_abs()));
    let is_more = point.change > Money::ZERO;
    let (what_zh, what_en) = match point.quantity {
        Quantity::Income => ("计入收入", "countable income"),
        Quantity::Expenditure => ("医疗刚性支出", "rigid medical expenditure"),
        Quantity::FinancialAssets => ("金融资产", "financial assets"),
    };
    let (way_zh, way_en) =
        if is_more { ("再多", "or more above what is known") } else { ("再少", "or more below what is known") };
    let name = words::circle(point.circle);
    let (none_zh, none_en) = if point.circle == Circle::None {
        ("则不符合任何圈层", "no circle is met")
    } else {
        ("则为", "the circle is")
    };
    let (name_zh, name_en) =
        if point.circle == Circle::None { (String::new(), String::new()) } else { (name.zh, format!(" {}", name.en)) };
    let by = departments(catalogue, &point.departments);
    let (by_zh, by_en) = if point.departments.is_empty() {
        (String::new(), String::new())
    } else {
        (format!("（{}尚未答复，可能如此）", by.zh), format!(" ({} has not answered and might show it)", by.en))
    };
    line(
        format!("{what_zh}{way_zh}{}（人均每月{}）{none_zh}{name_zh}{by_zh}。", amount.zh, head.zh),
        format!("If {what_en} is {} ({} a head and month) {way_en}, {none_en}{name_en}{by_en}.", amount.en, head.en),
    )
}

/// Figures that are not verified, so that nobody takes them for the place's own.
pub(super) fn sources(root: &Node) -> Section {
    let mut lines: Vec<Text> = Vec::new();
    let uses = root.walk().into_iter().flat_map(|node| &node.parameters);
    for used in uses.filter(|used| !used.provenance.status.starts_with("verified")) {
        let status = &used.provenance.status;
        let text = line(
            format!("参数 {} 未经当地文件证实：{status}", used.field),
            format!("Parameter {} is not confirmed by a document of the place: {status}", used.field),
        );
        if !lines.contains(&text) {
            lines.push(text);
        }
    }
    section("sources", "参数来源提示", "Caution about figures", lines)
}
