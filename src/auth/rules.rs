//! Who may do what: the whole of it, one row an action. 谁可以做什么：全部规则，一行一个操作。
//!
//! Whoever is not named may not. `docs/access-rules.md` shows this table to officers and is made from it; how a row is
//! applied stands in `auth/access.rs`, and nothing else decides.

use super::access::Condition::{
    GrantedDatasets, GrantedDivisions, NotOneself, OwnClient, OwnDepartment, OwnDivision, OwnPurpose, PlacedInside,
    Tightening, WholeCountry,
};
use super::access::{Action, Rule};
use crate::domain::actor::Role::{Administrator, Caseworker, Department, Officer, Operator, Peer};

/// The rules, in the order in which they are shown. Each action stands once; a test holds that.
pub const RULES: &[Rule] = &[
    Rule {
        action: Action::AskForVerification,
        who: &[Caseworker],
        only: &[PlacedInside, OwnPurpose],
        zh: "申请核对，或预览将查询哪些部门：仅限本辖区的申请、已登记的目的。",
        en: "Ask for a verification, or for what it would ask: for applications inside the own division and for the own purposes.",
    },
    Rule {
        action: Action::LookAtVerification,
        who: &[Caseworker],
        only: &[OwnClient, OwnDivision],
        zh: "查看核对的进展、结论、报告和复算：仅限本系统发起且在本辖区内的；其余一律视为不存在。",
        en: "Look at a verification, its events, report and replay: at those the client itself asked for, inside the own division. All others are as if they were not there.",
    },
    Rule {
        action: Action::RegisterAuthorisation,
        who: &[Caseworker],
        only: &[OwnPurpose],
        zh: "登记家庭的授权书：仅限已登记的目的。",
        en: "Register a household's authorisation: for the own purposes.",
    },
    Rule {
        action: Action::UseAuthorisation,
        who: &[Caseworker],
        only: &[OwnClient, OwnDivision],
        zh: "查看、引用、撤销授权书：仅限本系统登记且在本辖区内的；其余一律视为不存在。",
        en: "Look at an authorisation, rest a verification on it, revoke it: those the client itself registered, inside the own division. All others are as if they were not there.",
    },
    Rule {
        action: Action::GiveNotice,
        who: &[Caseworker],
        only: &[OwnClient, OwnDivision],
        zh: "登记已补办告知（紧急情况下先行查询的家庭）：仅限本系统发起且在本辖区内的核对；其余一律视为不存在。",
        en: "Record that a household was told of a look-up in an emergency: for verifications the client itself asked for, inside the own division. All others are as if they were not there.",
    },
    Rule {
        action: Action::ReviewNotices,
        who: &[Officer],
        only: &[OwnDivision],
        zh: "查看尚未补办告知的核对：仅限本辖区。每次查看本身也记入日志。",
        en: "See which households are still to be told: those of the own division. Every look is itself an entry.",
    },
    Rule {
        action: Action::TryRules,
        who: &[Caseworker],
        only: &[],
        zh: "以自备的事实试算：不查询部门，不留存。",
        en: "Try the rules on facts that are handed over: no department is asked, nothing is kept.",
    },
    Rule {
        action: Action::ReadPolicies,
        who: &[Caseworker, Officer, Operator, Administrator],
        only: &[],
        zh: "查阅政策包：公开数据，各身份相同。",
        en: "Read policy packs: public figures, the same for everybody.",
    },
    Rule {
        action: Action::ReadLog,
        who: &[Officer],
        only: &[OwnDivision],
        zh: "检索和查看访问日志的记录及其存证：仅限本辖区；其余一律视为不存在。每次查看本身也记入日志。",
        en: "Search the access log, look at its entries and their proofs: at those of the own division; all others are as if they were not there. Every look is itself an entry.",
    },
    Rule {
        action: Action::CheckLog,
        who: &[Officer],
        only: &[],
        zh: "核验访问日志的完整性：签名的日志头、一致性证明、散列；不含任何记录内容。",
        en: "Check that the access log is whole: signed heads, consistency proofs, hashes; nothing of what entries say.",
    },
    Rule {
        action: Action::CopyLog,
        who: &[Officer],
        only: &[WholeCountry],
        zh: "整段读取访问日志的原始记录：含各地记录，仅限全国范围的审计员。",
        en: "Read the log in bulk, with everybody's entries: for officers of the whole country.",
    },
    Rule {
        action: Action::ReviewAlerts,
        who: &[Officer],
        only: &[OwnDivision, NotOneself],
        zh: "查看和处理预警：仅限本辖区且与本人无关的；其余一律视为不存在。处理须有事由，高等级的排除或认定正当须两名审计员一致。",
        en: "Look at alerts and bring them to another state: at those of the own division that are not about oneself; all others are as if they were not there. Every step has its reason, and letting go of a high one needs two officers.",
    },
    Rule {
        action: Action::DrawSamples,
        who: &[Officer],
        only: &[WholeCountry],
        zh: "双随机抽查的冻结、投骰、抽取和查看：抽样以整个日志为准，仅限全国范围的审计员；两次投骰须为不同的人。",
        en: "Freeze, draw and look at double-random samples: of the whole log, so for officers of the whole country; the two who type dice are different people.",
    },
    Rule {
        action: Action::TellCase,
        who: &[Caseworker],
        only: &[OwnClient, OwnDivision],
        zh: "报送案件的办理情况：仅限本系统发起且在本辖区内的核对；其余一律视为不存在。",
        en: "Say what became of a case: of verifications the client itself asked for, inside the own division. All others are as if they were not there.",
    },
    Rule {
        action: Action::ReadAdapters,
        who: &[Officer, Operator, Administrator, Department],
        only: &[OwnDepartment],
        zh: "查看各部门适配器的登记、状态、额度用量和健康情况：只有次数和时间，不含个人信息。部门仅限本部门，其余一律视为不存在。",
        en: "Look at the registered adapters, their states, quotas and health: counts and times, nothing about a person. A department: at its own; all others are as if they were not there.",
    },
    Rule {
        action: Action::InviteDepartments,
        who: &[Operator],
        only: &[],
        zh: "邀请部门登记适配器。",
        en: "Invite departments to register adapters.",
    },
    Rule {
        action: Action::ChangeAdapters,
        who: &[Operator, Department],
        only: &[OwnDepartment, Tightening],
        zh: "接收、推进、排空、暂停、恢复、移除适配器，调整约定；影子运行和上线，以及恢复或移除部门自行停用的，须两名授权管理人员批准。部门仅限本部门，且只能收紧：在已约定的范围内调整约定、排空、暂停、结束影子运行、撤回未上线的版本，以及恢复本部门自行停用的；其余一律视为不存在。",
        en: "Accept, drain, suspend, resume and remove adapters and change their terms. Shadow and live, and resuming or removing what a department took off itself, need two administrators besides. A department: its own, and only to tighten: other terms within those that were agreed to, drain, suspend, end a shadow, take away what was never live, and resume what it took off itself; all others are as if they were not there.",
    },
    Rule {
        action: Action::ReadCatalogue,
        who: &[Caseworker, Officer, Operator, Administrator],
        only: &[],
        zh: "查看部门目录：数据集、时效、联系人、告知和现状，各身份相同。",
        en: "Read the catalogue of departments: datasets, freshness, contact, notice and state, the same for everybody.",
    },
    Rule {
        action: Action::ReadApprovals,
        who: &[Operator, Administrator],
        only: &[],
        zh: "查看须两人批准的变更及各人的表态。",
        en: "Look at changes that need two persons, and at what was said of them.",
    },
    Rule {
        action: Action::DecideApprovals,
        who: &[Administrator],
        only: &[],
        zh: "递交对变更的签名表态：以签名为准，每人一次，须两名不同的授权管理人员同意。",
        en: "Hand in a signed word on such a change: the signature counts, each person has one, and two different administrators must agree.",
    },
    Rule {
        action: Action::ReadUsage,
        who: &[Officer, Operator, Department],
        only: &[OwnDepartment],
        zh: "查看对各部门的使用情况：按日、机构和目的计数，及查询编号；不含任何人员信息。每次查看本身也记入日志。部门仅限本部门，其余一律视为不存在。",
        en: "See what departments were asked and spared: counts by day, organisation and purpose, and the ids of questions; nothing of any person. Every look is itself an entry. A department: its own; all others are as if they were not there.",
    },
    Rule {
        action: Action::AskForRegion,
        who: &[Peer],
        only: &[GrantedDivisions, OwnPurpose, GrantedDatasets],
        zh: "外地平台查询本平台辖区的人员：仅限约定的行政区划、目的和数据集；查询只交本平台自己的部门，从不转交其他平台。",
        en: "Ask about people of this hub's divisions, as the hub of another region: of the divisions, purposes and datasets agreed. Questions go to this hub's own departments and are never sent on to another hub.",
    },
    Rule {
        action: Action::RevokeForRegion,
        who: &[Peer],
        only: &[],
        zh: "外地平台告知授权书已撤销：只及该平台自己据以查询过的授权书；正在进行的查询停止，部门答复过的内容不再留存。",
        en: "Tell that an authorisation was revoked, as the hub of another region: of those that this very hub asked under. What runs under it stops, and what departments said is forgotten.",
    },
    Rule {
        action: Action::LookAtPeering,
        who: &[Peer],
        only: &[],
        zh: "外地平台查看本平台的答复范围和运行状况：不含任何人员信息。",
        en: "See what this hub answers for and how it does, as the hub of another region: nothing of any person.",
    },
];
