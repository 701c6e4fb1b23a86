//! The one function that decides an access. The rules themselves are a table in `auth/rules.rs`.

use std::fmt::Write as _;

use super::rules::RULES;
use crate::domain::actor::{Client, Role};
use crate::domain::dataset::{DatasetId, DepartmentId};
use crate::domain::division::DivisionCode;
use crate::domain::purpose::Purpose;

/// What somebody wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Ask for a verification, or plan one.
    AskForVerification,
    /// Look at a verification in any of its forms.
    LookAtVerification,
    /// Register a household's authorisation.
    RegisterAuthorisation,
    /// Look at a registered authorisation, let a verification rest on it, or revoke it.
    UseAuthorisation,
    /// Judge facts that are handed over.
    TryRules,
    /// Record that a household was told of a look-up in an emergency.
    GiveNotice,
    /// See which households are still to be told.
    ReviewNotices,
    /// Read policy packs.
    ReadPolicies,
    /// Search the access log, look at entries and their proofs.
    ReadLog,
    /// Check the log without reading an entry.
    CheckLog,
    /// Read the log in bulk.
    CopyLog,
    /// Look at alerts, and bring them to another state.
    ReviewAlerts,
    /// Freeze, draw and look at samples of the log.
    DrawSamples,
    /// Say what became of a case.
    TellCase,
    /// Look at adapters: where they are, how they stand and do.
    ReadAdapters,
    /// Invite departments to register adapters.
    InviteDepartments,
    /// Bring adapters on, drain, suspend or remove them, and change their terms.
    ChangeAdapters,
    /// See which departments provide what, and how each stands.
    ReadCatalogue,
    /// Look at changes that need two persons.
    ReadApprovals,
    /// Hand in what a person says of such a change.
    DecideApprovals,
    /// See what a department was asked and spared.
    ReadUsage,
    /// Ask about people of this hub's divisions, as the hub of another region.
    AskForRegion,
    /// Tell that an authorisation was revoked, as the hub of another region that asked under it.
    RevokeForRegion,
    /// See what this hub answers for, and how it does, as the hub of another region.
    LookAtPeering,
}

/// What it is done to.
#[derive(Debug, Clone, Copy)]
pub enum Object<'a> {
    /// Not known yet: a request stands at the door, and only what the actor is can be judged. Whoever learns what the
    /// object is asks again.
    AtTheDoor,
    /// An application that is about to be asked about.
    Application {
        /// Its division.
        division: DivisionCode,
        /// What it is for.
        purpose: Purpose,
    },
    /// A verification that is there.
    Verification {
        /// The client that asked for it.
        client: &'a str,
        /// The division of its application; not known of the oldest.
        division: Option<DivisionCode>,
    },
    /// An authorisation that is about to be registered.
    Registration {
        /// What it is for.
        purposes: &'a [Purpose],
    },
    /// A registered authorisation.
    Authorisation {
        /// The client that registered it.
        client: &'a str,
        /// The client's division when it did.
        division: DivisionCode,
    },
    /// An entry of the access log.
    Entry {
        /// Its division, where it has one.
        division: Option<DivisionCode>,
    },
    /// A question of another region's hub.
    RegionQuestion {
        /// The divisions of the persons it is about.
        divisions: &'a [DivisionCode],
        /// This hub's divisions that the other one may ask about.
        granted_divisions: &'a [DivisionCode],
        /// What it is for.
        purpose: Purpose,
        /// The datasets.
        datasets: &'a [DatasetId],
        /// Those that the other hub may ask for; all where none are named.
        granted_datasets: Option<&'a [DatasetId]>,
    },
    /// A department: its adapters, and what it was asked.
    Department(&'a DepartmentId),
    /// A change of a department's adapter.
    AdapterChange {
        /// The department.
        department: &'a DepartmentId,
        /// Whether it takes nothing that others did not give before: what tightens terms, stops the adapter, or undoes no
        /// more than the department did itself (`service/adapters/own.rs`).
        is_tightening: bool,
    },
    /// The log as a whole.
    Log,
    /// An alert.
    Alert {
        /// Its division, where it has one.
        division: Option<DivisionCode>,
        /// Whom it is about.
        about: Option<&'a str>,
    },
}

/// What must hold besides the role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// The application is made inside the actor's division.
    PlacedInside,
    /// The purpose is one of the actor's.
    OwnPurpose,
    /// The actor itself asked for it.
    OwnClient,
    /// It lies inside the actor's division.
    OwnDivision,
    /// The actor's division is the whole country.
    WholeCountry,
    /// It is about somebody else.
    NotOneself,
    /// Every person is of a division that the other hub may ask about.
    GrantedDivisions,
    /// Every dataset is one that the other hub may ask for.
    GrantedDatasets,
    /// It is a department's own, where the actor is a department.
    OwnDepartment,
    /// It tightens, where the actor is a department.
    Tightening,
}

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// What is done.
    pub action: Action,
    /// Who may do it.
    pub who: &'static [Role],
    /// What must hold besides; all of it.
    pub only: &'static [Condition],
    /// The rule in Chinese.
    pub zh: &'static str,
    /// The rule in English.
    pub en: &'static str,
}

/// Why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// The actor's role may not do this.
    Role,
    /// The application lies outside the actor's division.
    Division,
    /// The purpose is not one of the actor's.
    Purpose,
    /// It goes beyond what the actor may do alone.
    Beyond,
    /// It is not the actor's to know that it is there: the answer is the one for what is absent, byte for byte.
    Absent,
}

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It may be done.
    Permit,
    /// It may not.
    Deny(Denial),
}

impl Decision {
    /// Whether it may be done.
    pub fn is_permit(self) -> bool {
        self == Self::Permit
    }

    /// Nothing where it may be done, else why not.
    pub const fn check(self) -> Result<(), Denial> {
        match self {
            Self::Permit => Ok(()),
            Self::Deny(denial) => Err(denial),
        }
    }
}

/// Decides whether this actor may do this to that.
///
/// INVARIANT: every access is decided here: at the door by what the actor is, and in the use case with the object itself.
pub fn authorise(actor: &Client, action: Action, object: &Object<'_>) -> Decision {
    let Some(rule) = RULES.iter().find(|rule| rule.action == action && rule.who.contains(&actor.role)) else {
        return Decision::Deny(Denial::Role);
    };
    if matches!(object, Object::AtTheDoor) {
        return Decision::Permit;
    }
    rule.only.iter().find_map(|condition| condition.denial(actor, object)).map_or(Decision::Permit, Decision::Deny)
}

impl Condition {
    /// Why the condition does not hold. A condition on something the object does not have does not hold.
    fn denial(self, actor: &Client, object: &Object<'_>) -> Option<Denial> {
        let (holds, denial) = match (self, object) {
            (Self::PlacedInside, Object::Application { division, .. }) => {
                (division.is_inside(actor.division), Denial::Division)
            }
            (Self::OwnPurpose, Object::Application { purpose, .. } | Object::RegionQuestion { purpose, .. }) => {
                (actor.purposes.contains(purpose), Denial::Purpose)
            }
            (Self::OwnPurpose, Object::Registration { purposes }) => {
                (purposes.iter().all(|purpose| actor.purposes.contains(purpose)), Denial::Purpose)
            }
            (Self::OwnClient, Object::Verification { client, .. } | Object::Authorisation { client, .. }) => {
                (*client == actor.id, Denial::Absent)
            }
            (Self::OwnDivision, Object::Authorisation { division, .. }) => {
                (division.is_inside(actor.division), Denial::Absent)
            }
            // The oldest verifications do not say their division; they are told by their client alone.
            (Self::OwnDivision, Object::Verification { division, .. }) => {
                (division.is_none_or(|division| division.is_inside(actor.division)), Denial::Absent)
            }
            // An entry of nobody in particular, such as a token that was refused, is for the whole country.
            (Self::OwnDivision, Object::Entry { division } | Object::Alert { division, .. }) => {
                let is_national = actor.division == DivisionCode::NATION;
                (is_national || division.is_some_and(|division| division.is_inside(actor.division)), Denial::Absent)
            }
            (Self::GrantedDivisions, Object::RegionQuestion { divisions, granted_divisions, .. }) => {
                let is_granted =
                    |division: &DivisionCode| granted_divisions.iter().any(|around| division.is_inside(*around));
                (divisions.iter().all(is_granted), Denial::Division)
            }
            // What it may not ask for is to it as if it were not there.
            (Self::GrantedDatasets, Object::RegionQuestion { datasets, granted_datasets, .. }) => {
                let is_granted = |dataset: &DatasetId| granted_datasets.is_none_or(|granted| granted.contains(dataset));
                (datasets.iter().all(is_granted), Denial::Absent)
            }
            (Self::OwnDepartment, Object::Department(department) | Object::AdapterChange { department, .. }) => {
                let is_own = actor.department.as_ref() == Some(*department);
                (actor.role != Role::Department || is_own, Denial::Absent)
            }
            (Self::Tightening, Object::AdapterChange { is_tightening, .. }) => {
                (actor.role != Role::Department || *is_tightening, Denial::Beyond)
            }
            (Self::NotOneself, Object::Alert { about, .. }) => (*about != Some(&actor.id), Denial::Absent),
            (Self::WholeCountry, Object::Log) => (actor.division == DivisionCode::NATION, Denial::Absent),
            _ => (false, Denial::Absent),
        };
        (!holds).then_some(denial)
    }
}

/// The rules as a page for officers, in both languages: `docs/access-rules.md`.
pub fn page() -> String {
    let mut page = String::from(concat!(
        "# Who may do what 谁可以做什么\n\n",
        "Made from `src/auth/rules.rs`; a test holds this page to it. Whoever is not named may not, and every refusal is in the\n",
        "access log before it is told. 本页由 `src/auth/rules.rs` 生成；未列出的身份一律不得操作；每次拒绝先记入访问日志再告知。\n\n",
        "Nobody is two of these at once. 一个客户端只有一种身份。\n\n",
        "| role 身份 | scope | who that is |\n|---|---|---|\n",
    ));
    for role in Role::OF_CLIENTS {
        let (zh, en) = role.words();
        writeln!(page, "| {zh} {} | `{}` | {en} |", role.as_str(), role.scope().unwrap_or_default())
            .expect("writing to a string cannot fail");
    }
    let (zh, en) = Role::Peer.words();
    writeln!(page, "| {zh} {} | (client certificate 客户端证书) | {en} |", Role::Peer.as_str())
        .expect("writing to a string cannot fail");
    page.push_str("\n| rule 规则 | who 身份 |\n|---|---|\n");
    for rule in RULES {
        let who: Vec<&str> = rule.who.iter().map(|role| role.words().0).collect();
        writeln!(page, "| {}<br>{} | {} |", rule.zh, rule.en, who.join("、")).expect("writing to a string cannot fail");
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACTIONS: [Action; 24] = [
        Action::AskForVerification,
        Action::LookAtVerification,
        Action::RegisterAuthorisation,
        Action::UseAuthorisation,
        Action::GiveNotice,
        Action::ReviewNotices,
        Action::TryRules,
        Action::ReadPolicies,
        Action::ReadLog,
        Action::CheckLog,
        Action::CopyLog,
        Action::ReviewAlerts,
        Action::DrawSamples,
        Action::TellCase,
        Action::ReadAdapters,
        Action::InviteDepartments,
        Action::ChangeAdapters,
        Action::ReadCatalogue,
        Action::ReadApprovals,
        Action::DecideApprovals,
        Action::ReadUsage,
        Action::AskForRegion,
        Action::LookAtPeering,
        Action::RevokeForRegion,
    ];

    fn actor(role: Role, division: &str) -> Client {
        Client {
            id: "c1".to_owned(),
            organisation: "测试民政局".to_owned(),
            division: DivisionCode::parse(division).unwrap(),
            purposes: vec![Purpose::Dibao],
            role,
            department: (role == Role::Department).then(|| department("hrss")),
        }
    }

    fn department(id: &str) -> DepartmentId {
        DepartmentId::parse(id).unwrap()
    }

    fn place(division: &str) -> DivisionCode {
        DivisionCode::parse(division).unwrap()
    }

    #[test]
    fn each_action_has_one_rule_in_both_languages() {
        for action in ACTIONS {
            let rules: Vec<&Rule> = RULES.iter().filter(|rule| rule.action == action).collect();
            let [rule] = rules.as_slice() else { panic!("{action:?} has {} rules", rules.len()) };
            assert!(!rule.who.is_empty() && !rule.zh.is_empty() && !rule.en.is_empty());
            assert!(!rule.who.contains(&Role::System), "the hub asks nobody for leave, and nobody acts as the hub");
        }
        assert_eq!(RULES.len(), ACTIONS.len());
    }

    /// Officer, operator, administrator and caseworker are apart: none can do what another's work is.
    #[test]
    fn roles_are_apart() {
        let caseworkers = [
            Action::AskForVerification,
            Action::LookAtVerification,
            Action::RegisterAuthorisation,
            Action::UseAuthorisation,
            Action::GiveNotice,
            Action::TryRules,
            Action::TellCase,
        ];
        let officers = [
            Action::ReviewNotices,
            Action::ReadLog,
            Action::CheckLog,
            Action::CopyLog,
            Action::ReviewAlerts,
            Action::DrawSamples,
        ];
        for action in ACTIONS {
            let who: Vec<Role> = Role::OF_CLIENTS
                .into_iter()
                .filter(|role| authorise(&actor(*role, "000000"), action, &Object::AtTheDoor).is_permit())
                .collect();
            if caseworkers.contains(&action) {
                assert_eq!(who, [Role::Caseworker], "{action:?}");
            } else if officers.contains(&action) {
                assert_eq!(who, [Role::Officer], "{action:?}");
            } else if matches!(action, Action::ReadAdapters) {
                let readers = [Role::Officer, Role::Operator, Role::Administrator, Role::Department];
                assert_eq!(who, readers, "{action:?}");
            } else if matches!(action, Action::ReadApprovals) {
                assert_eq!(who, [Role::Operator, Role::Administrator], "{action:?}");
            } else if matches!(action, Action::InviteDepartments) {
                assert_eq!(who, [Role::Operator], "{action:?}");
            } else if matches!(action, Action::ChangeAdapters) {
                assert_eq!(who, [Role::Operator, Role::Department], "{action:?}");
            } else if matches!(action, Action::DecideApprovals) {
                assert_eq!(who, [Role::Administrator], "{action:?}");
            } else if matches!(action, Action::AskForRegion | Action::RevokeForRegion | Action::LookAtPeering) {
                // Whoever holds a token is no hub; and a hub does nothing else.
                assert!(who.is_empty(), "{action:?}");
            } else if action == Action::ReadUsage {
                assert_eq!(who, [Role::Officer, Role::Operator, Role::Department], "{action:?}");
            } else {
                // A department does what is about its own adapter, and nothing that is the same for everybody.
                let others = [Role::Caseworker, Role::Officer, Role::Operator, Role::Administrator];
                assert_eq!(who, others, "{action:?}");
            }
            assert!(!authorise(&actor(Role::System, "000000"), action, &Object::AtTheDoor).is_permit());
            let is_a_hubs = matches!(action, Action::AskForRegion | Action::RevokeForRegion | Action::LookAtPeering);
            assert_eq!(authorise(&actor(Role::Peer, "000000"), action, &Object::AtTheDoor).is_permit(), is_a_hubs);
        }
    }

    #[test]
    fn a_caseworker_acts_inside_its_division_and_purposes_on_its_own() {
        let own = actor(Role::Caseworker, "152200");
        let ask = |division, purpose| {
            authorise(&own, Action::AskForVerification, &Object::Application { division: place(division), purpose })
        };
        assert_eq!(ask("152201", Purpose::Dibao), Decision::Permit);
        assert_eq!(ask("152301", Purpose::Dibao), Decision::Deny(Denial::Division));
        assert_eq!(ask("150000", Purpose::Dibao), Decision::Deny(Denial::Division));
        assert_eq!(ask("152201", Purpose::Tekun), Decision::Deny(Denial::Purpose));
        let look = |client, division: Option<&str>| {
            let division = division.map(place);
            authorise(&own, Action::LookAtVerification, &Object::Verification { client, division })
        };
        assert_eq!(look("c1", Some("152201")), Decision::Permit);
        assert_eq!(look("c1", None), Decision::Permit);
        assert_eq!(look("c2", Some("152201")), Decision::Deny(Denial::Absent));
        assert_eq!(look("c1", Some("152301")), Decision::Deny(Denial::Absent));
    }

    #[test]
    fn an_officer_sees_entries_of_the_own_division_and_only_the_nations_sees_all() {
        let see = |own, division: Option<&str>| {
            authorise(&actor(Role::Officer, own), Action::ReadLog, &Object::Entry { division: division.map(place) })
        };
        assert!(see("152200", Some("152201")).is_permit() && see("000000", None).is_permit());
        assert_eq!(see("152200", Some("152301")), Decision::Deny(Denial::Absent));
        assert_eq!(see("152200", None), Decision::Deny(Denial::Absent));
        let copy = |own| authorise(&actor(Role::Officer, own), Action::CopyLog, &Object::Log);
        assert!(copy("000000").is_permit() && !copy("150000").is_permit());
    }

    #[test]
    fn a_department_tightens_what_is_its_own_and_others_are_not_there() {
        let (own, other) = (department("hrss"), department("housing"));
        let of = |role, action, object: &Object<'_>| authorise(&actor(role, "000000"), action, object);
        for action in [Action::ReadAdapters, Action::ReadUsage] {
            assert!(of(Role::Department, action, &Object::Department(&own)).is_permit());
            assert_eq!(of(Role::Department, action, &Object::Department(&other)), Decision::Deny(Denial::Absent));
            assert!(of(Role::Operator, action, &Object::Department(&other)).is_permit());
            // A department's token without a department, if there were one, would see nobody's.
            let nobody = Client { department: None, ..actor(Role::Department, "000000") };
            assert!(!authorise(&nobody, action, &Object::Department(&own)).is_permit());
        }
        let change = |role, department, is_tightening| {
            of(role, Action::ChangeAdapters, &Object::AdapterChange { department, is_tightening })
        };
        assert!(change(Role::Department, &own, true).is_permit() && change(Role::Operator, &other, false).is_permit());
        assert_eq!(change(Role::Department, &own, false), Decision::Deny(Denial::Beyond));
        for is_tightening in [true, false] {
            assert_eq!(change(Role::Department, &other, is_tightening), Decision::Deny(Denial::Absent));
            assert_eq!(change(Role::Caseworker, &own, is_tightening), Decision::Deny(Denial::Role));
        }
    }

    /// A28.
    #[test]
    fn a28_nobody_reviews_an_alert_about_themself() {
        let review = |own: &str, division: Option<&str>, about| {
            let object = Object::Alert { division: division.map(place), about };
            authorise(&actor(Role::Officer, own), Action::ReviewAlerts, &object)
        };
        assert_eq!(review("000000", Some("152201"), Some("c1")), Decision::Deny(Denial::Absent));
        assert!(review("000000", Some("152201"), Some("c2")).is_permit() && review("000000", None, None).is_permit());
        assert!(review("152200", Some("152201"), Some("c2")).is_permit());
        assert_eq!(review("152200", Some("152301"), Some("c2")), Decision::Deny(Denial::Absent));
        assert_eq!(review("152200", None, None), Decision::Deny(Denial::Absent));
    }

    /// A rule that is asked about the wrong kind of thing refuses.
    #[test]
    fn a_condition_on_what_the_object_does_not_have_does_not_hold() {
        let officer = actor(Role::Officer, "000000");
        for object in [Object::Log, Object::Verification { client: "c1", division: None }] {
            let is_log = matches!(object, Object::Log);
            assert_eq!(authorise(&officer, Action::CopyLog, &object).is_permit(), is_log, "{object:?}");
            let caseworker = actor(Role::Caseworker, "000000");
            assert!(!authorise(&caseworker, Action::AskForVerification, &object).is_permit(), "{object:?}");
        }
    }
}
