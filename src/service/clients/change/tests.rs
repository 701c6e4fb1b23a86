//! What a change makes of a registration, and what is refused.

use serde_json::json;

use super::*;
use crate::auth::clients::RegisteredClient;
use crate::domain::actor::Role;
use crate::domain::division::DivisionCode;
use crate::domain::purpose::Purpose;

fn jwk() -> Value {
    PublicKey::parse(&rcgen::KeyPair::generate().unwrap().public_key_pem()).unwrap().to_jwk()
}

fn client(id: &str) -> Client {
    Client {
        id: id.to_owned(),
        organisation: "测试民政局".to_owned(),
        division: DivisionCode::parse("152201").unwrap(),
        purposes: vec![Purpose::Dibao],
        role: Role::Caseworker,
        department: None,
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn registered() -> Clients {
    let change = Change::Register { client: client("c1"), jwk: jwk(), sender_constrained: SenderConstrained::Optional };
    let (registration, _) = change.apply(&Clients::default(), at(0)).unwrap();
    Clients::default().with(RegisteredClient::new(registration).unwrap())
}

#[test]
fn a_former_key_proves_the_client_until_its_grace_ends() {
    let clients = registered();
    let rotate = Change::Rotate { id: "c1".to_owned(), jwk: jwk(), grace_seconds: 60 };
    let (registration, done) = rotate.apply(&clients, at(100)).unwrap();
    assert_eq!(done, "key_rotated");
    let client = RegisteredClient::new(registration).unwrap();
    assert_eq!(client.keys(None, at(159)).count(), 2);
    assert_eq!(client.keys(None, at(160)).count(), 1);
    assert!(client.may_use_token_of(50), "tokens of before live to their end");
    let rotate = Change::Rotate { id: "c1".to_owned(), jwk: jwk(), grace_seconds: 0 };
    let (registration, _) = rotate.apply(&clients.with(client), at(120)).unwrap();
    let client = RegisteredClient::new(registration).unwrap();
    assert_eq!(client.keys(None, at(120)).count(), 1, "a theft: every former key is out");
    assert!(!client.may_use_token_of(120) && client.may_use_token_of(121));
}

#[test]
fn a_revoked_client_stays_known_and_out() {
    let clients = registered();
    let (registration, _) = Change::Revoke { id: "c1".to_owned() }.apply(&clients, at(5)).unwrap();
    let client = RegisteredClient::new(registration).unwrap();
    assert!(!client.may_use_token_of(10));
    let clients = clients.with(client);
    let refused = |change: Change| change.apply(&clients, at(6)).unwrap_err();
    assert_eq!(refused(Change::Revoke { id: "c1".to_owned() }), ChangeFault::Revoked);
    assert_eq!(
        refused(Change::Register {
            client: client_again(),
            jwk: jwk(),
            sender_constrained: SenderConstrained::Optional
        }),
        ChangeFault::Registered
    );
    let rotate = Change::Rotate { id: "c1".to_owned(), jwk: jwk(), grace_seconds: 1 };
    assert_eq!(refused(rotate), ChangeFault::Revoked);
}

fn client_again() -> Client {
    client("c1")
}

#[test]
fn what_cannot_be_a_client_is_refused_with_the_reason() {
    let refused = |client: Client| {
        Change::Register { client, jwk: jwk(), sender_constrained: SenderConstrained::Optional }
            .apply(&Clients::default(), at(0))
            .map(|_| ())
            .unwrap_err()
    };
    for id in ["", "-a", "a b", "客户", "a/b", &"a".repeat(65), "150000198605021015"] {
        assert_eq!(refused(client(id)), ChangeFault::Id, "{id}");
    }
    for organisation in [String::new(), "a\nb".to_owned(), "a".repeat(401)] {
        assert_eq!(refused(Client { organisation, ..client("c") }), ChangeFault::Organisation);
    }
    assert_eq!(refused(Client { purposes: Vec::new(), ..client("c") }), ChangeFault::Role);
    assert_eq!(refused(Client { role: Role::System, ..client("c") }), ChangeFault::Role);
    let department = Some(crate::domain::dataset::DepartmentId::parse("hrss").unwrap());
    let own = Client { role: Role::Department, purposes: Vec::new(), department, ..client("c") };
    assert_eq!(refused(Client { department: None, ..own.clone() }), ChangeFault::Department);
    assert_eq!(refused(Client { purposes: client("c").purposes, ..own.clone() }), ChangeFault::Department);
    for role in [Role::Caseworker, Role::Operator, Role::Administrator, Role::Officer] {
        assert_eq!(refused(Client { role, ..own.clone() }), ChangeFault::Department);
    }
    let clients = registered();
    let same = clients.get("c1").unwrap().registration().keys[0].jwk.clone();
    let rotate = |jwk: Value, grace_seconds| {
        Change::Rotate { id: "c1".to_owned(), jwk, grace_seconds }.apply(&clients, at(1)).map(|_| ()).unwrap_err()
    };
    assert_eq!(rotate(same, 1), ChangeFault::SameKey);
    assert_eq!(rotate(jwk(), MAX_GRACE_SECONDS + 1), ChangeFault::Grace);
    assert!(matches!(rotate(json!({ "kty": "RSA" }), 1), ChangeFault::Key(_)));
    let unknown = Change::Revoke { id: "nobody".to_owned() }.apply(&clients, at(1)).map(|_| ()).unwrap_err();
    assert_eq!(unknown, ChangeFault::Unknown);
    for fault in [ChangeFault::Id, ChangeFault::Keys, ChangeFault::Unknown] {
        let text = fault.text();
        assert!(!text.zh.is_empty() && !text.en.is_empty() && text.zh != text.en);
    }
}

#[test]
fn where_tokens_must_be_bound_from_now_on_those_of_before_are_dead() {
    let clients = registered();
    let constrain = |sender_constrained| Change::Constrain { id: "c1".to_owned(), sender_constrained };
    let (registration, done) = constrain(SenderConstrained::Required).apply(&clients, at(100)).unwrap();
    assert_eq!(done, "sender_constrained");
    let client = RegisteredClient::new(registration).unwrap();
    assert!(!client.may_use_token_of(100) && client.may_use_token_of(101));
    let clients = clients.with(client);
    for (again, second) in [(SenderConstrained::Required, 200), (SenderConstrained::Optional, 300)] {
        let (registration, _) = constrain(again).apply(&clients, at(second)).unwrap();
        assert!(RegisteredClient::new(registration).unwrap().may_use_token_of(150), "nothing has to die for that");
    }
    let unknown = Change::Constrain { id: "c2".to_owned(), sender_constrained: SenderConstrained::Required };
    assert_eq!(unknown.apply(&clients, at(1)).unwrap_err(), ChangeFault::Unknown);
}
