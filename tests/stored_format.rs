//! Formats that outlive a deployment, pinned by literals: a change here needs a new version of the
//! format, or it logs everyone out. (The cookie's is pinned beside its code.)

#![allow(missing_docs, clippy::panic, clippy::unwrap_used, reason = "tests fail by panicking")]

use edge_session::assertion::{self, Terms};
use edge_session::data::{Change, Data};
use edge_session::jws::{Kind, OriginKeys};
use edge_session::keys::{KeyId, KeyList, MasterKey};
use edge_session::lifetime::{Lifetimes, Shorter};
use edge_session::locator::Locator;
use edge_session::mac::MacKey;
use edge_session::record::{Owner, Record};
use edge_session::rotation::{Candidate, Derivation, Rules};
use edge_session::sid::Sid;
use edge_session::store::{
    Command, Create, Operation, Policy, Reply, Request, Rotate, Which, apply,
};
use edge_session::subject::Subject;
use edge_session::time::{Span, Time};
use edge_session::token::{IdHash, Secret, SessionId};
use serde_json::{Value, json};

const NOW: Time = Time::from_secs(1_700_000_000);

fn policy() -> Policy {
    Policy {
        lifetimes: Lifetimes {
            idle: Span::from_secs(1800),
            anonymous: Span::from_secs(1800),
            absolute: Span::from_secs(43_200),
            remember: Span::from_secs(2_592_000),
            touch: Span::from_secs(60),
        },
        rotation: Rules { grace: Span::from_secs(30), reuse_after: Span::from_secs(300) },
        reuse_ends: true,
        per_subject: 50,
        data: 2048,
    }
}

fn hash(byte: u8) -> IdHash {
    let secret = Secret::from_entropy([byte; 32]);
    SessionId::new(Locator::from_bytes([7; 16]), secret).hash()
}

fn sid(byte: u8) -> Sid {
    Sid::from_entropy(&[byte; 16])
}

fn data(value: &Value) -> Data {
    Data::parse(value.as_object().unwrap().clone()).unwrap()
}

fn operation(id: &str, out_of_band: bool) -> Operation {
    Operation {
        id: id.to_owned(),
        digest: "digest".to_owned(),
        until: NOW.plus(Span::from_secs(120)),
        out_of_band,
    }
}

fn carry_out(before: Record, command: Command, now: Time) -> (Record, Reply) {
    let request = Request {
        owner: Some(Owner::Subject(Subject::parse("alice").unwrap())),
        command,
        stamp: None,
        policy: policy(),
    };
    let (after, reply) = apply(&before, &request, now);
    (after.unwrap_or(before), reply)
}

fn candidate(from: u8, to: u8, generation: u32) -> Candidate {
    let by = Derivation { key: KeyId::parse("k1").unwrap(), generation };
    Candidate { from: hash(from), hash: hash(to), by }
}

/// The rotation of the session's second ID, for a request that would know it by this handle.
fn rotation(handle: Sid, operation: Operation) -> Command {
    Command::Rotate(Box::new(Rotate {
        which: Which::Root(sid(1)),
        candidate: candidate(2, 3, 2),
        sid: handle,
        change: Change::default(),
        auth_time: None,
        amr: None,
        shorter: Shorter::default(),
        end_others: false,
        activity: None,
        operation,
    }))
}

/// A record with everything in it that a record can have.
fn representative() -> Record {
    let create = Create {
        id: hash(1),
        sid: sid(1),
        age: Span::ZERO,
        sent: NOW,
        replaces: None,
        end_others: true,
        data: data(&json!({ "cart": [1, 2.5, "é"], "none": null })),
        auth_time: Some(1_700_000_000),
        amr: Some(vec!["pwd".to_owned(), "otp".to_owned()]),
        remember: true,
        shorter: Shorter {
            idle: Some(Span::from_secs(600)),
            absolute: Some(Span::from_secs(3600)),
        },
        shown: false,
    };
    let (record, _) = carry_out(Record::default(), Command::Create(Box::new(create)), NOW);
    let succeed = Command::Succeed { candidate: candidate(1, 2, 1) };
    let (record, _) = carry_out(record, succeed, NOW.plus(Span::from_secs(1)));
    let now = NOW.plus(Span::from_millis(1500));
    let (record, reply) = carry_out(record, rotation(sid(3), operation("req", false)), now);
    assert!(matches!(reply, Reply::Rotated { .. }));
    record
}

const STORED: &str = concat!(
    r#"{"version":1,"clock":1700000001500,"owner":{"subject":"alice"},"#,
    r#""sessions":[{"root":"AQEBAQEBAQEBAQEBAQEBAQ","ids":{"current":"#,
    r#"{"hash":"R0zQTj2GNP5E8WpFrI-CsuYbPYb-PB9lYeeLMtnHsOg","sid":"AwMDAwMDAwMDAwMDAwMDAw","at":1700000001500,"#,
    r#""derived":["g-Shh12hFQuwQZSRtuP7t10E5xcwz4n7qHKCAmKDH1E",{"key":"k1","generation":2}],"at_once":true},"#,
    r#""former":["#,
    r#"{"hash":"g-Shh12hFQuwQZSRtuP7t10E5xcwz4n7qHKCAmKDH1E","sid":"AQEBAQEBAQEBAQEBAQEBAQ","at":1700000001000,"#,
    r#""derived":["o7ReUQQf1sL0ngkOK8JUOQuREwzb_UngxizsYZhnOXI",{"key":"k1","generation":1}]},"#,
    r#"{"hash":"o7ReUQQf1sL0ngkOK8JUOQuREwzb_UngxizsYZhnOXI","sid":"AQEBAQEBAQEBAQEBAQEBAQ","at":1700000000000,"seen":1700000000000}]},"#,
    r#""life":{"created":1700000000000,"touched":1700000000000,"absolute":1700003600000,"idle":600000,"remember":true},"#,
    r#""auth_time":1700000000,"amr":["pwd","otp"],"data":{"cart":[1,2.5,"é"],"none":null},"spared":1700000000000}],"#,
    r#""barrier":1700000000000,"answered":[{"operation":{"id":"req","digest":"digest","until":1700000120000,"out_of_band":false},"#,
    r#""reply":{"rotated":{"by":{"key":"k1","generation":2},"lasting":{"root":"AQEBAQEBAQEBAQEBAQEBAQ","generation":2,"absolute":1700003600000,"remember":true},"ended":[]}}}],"#,
    r#""alarm":1700003600000}"#,
);

#[test]
fn the_stored_record_is_pinned() {
    assert_eq!(representative().write().unwrap().unwrap(), STORED);
}

#[test]
fn the_pinned_record_reads_back_and_is_alive() {
    let record = Record::read(STORED).unwrap();
    assert_eq!(record, representative());
    let validate = Command::Validate { id: hash(3), slide: true };
    let (after, reply) = carry_out(record, validate, NOW.plus(Span::from_secs(2)));
    let Reply::Live(view) = reply else { panic!("it is not alive") };
    assert_eq!(view.sid, sid(3));
    assert_eq!(view.absolute, NOW.plus(Span::from_secs(3600)));
    assert_eq!(view.data, data(&json!({ "cart": [1, 2.5, "é"], "none": null })));
    assert_ne!(after.write().unwrap().unwrap(), STORED, "that it was seen is written down");
}

#[test]
fn the_handle_of_a_rotation_that_came_second_is_stored_beside_the_ids() {
    let now = NOW.plus(Span::from_millis(1500));
    let (record, _) = carry_out(representative(), rotation(sid(4), operation("req2", true)), now);
    let text = record.write().unwrap().unwrap();
    let ids = r#""seen":1700000000000}],"also":["BAQEBAQEBAQEBAQEBAQEBA"]},"life""#;
    assert!(text.contains(ids), "{text}");
    assert_eq!(Record::read(&text), Some(record));
}

#[test]
fn a_record_without_its_optional_members_reads_back() {
    let text = r#"{"version":1,"clock":1700000000000}"#;
    let record = Record::read(text).unwrap();
    assert_eq!(record.write().unwrap(), None, "there is nothing to keep");
}

#[test]
fn a_record_of_another_version_or_form_is_refused() {
    for text in [
        STORED.replacen("\"version\":1", "\"version\":2", 1),
        STORED.replacen("\"version\":1", "\"version\":0", 1),
        STORED.replacen("\"version\":1,", "", 1),
        STORED.replacen("\"clock\"", "\"clocks\"", 1),
        STORED.replacen("\"root\"", "\"roots\"", 1),
        STORED.strip_suffix('}').unwrap().to_owned(),
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
    ] {
        assert_eq!(Record::read(&text), None, "{text}");
    }
}

const SOMEBODY: &str = concat!(
    r#"{"alg":"HS256","typ":"edge-session-assertion+jwt","kid":"o1"}"#,
    r#" {"iss":"https://app.example.com","aud":"origin","#,
    r#""iat":1700000002,"exp":1700000062,"jti":"CQkJCQkJCQkJCQkJCQkJCQ","#,
    r#""sub":"alice","sid":"AwMDAwMDAwMDAwMDAwMDAw","auth_time":1700000000,"amr":["pwd","otp"],"#,
    r#""session":{"created":1700000000,"idle":1700000600,"absolute":1700003600,"checked":1700000002},"data":{"cart":[1,2.5,"é"],"none":null}}"#,
);

const NOBODY: &str = concat!(
    r#"{"alg":"HS256","typ":"edge-session-assertion+jwt","kid":"o1"}"#,
    r#" {"iss":"https://app.example.com","aud":"origin","#,
    r#""iat":1700000002,"exp":1700000062,"jti":"CQkJCQkJCQkJCQkJCQkJCQ"}"#,
);

#[test]
fn the_claims_of_an_assertion_are_pinned() {
    let master = MasterKey { id: KeyId::parse("o1").unwrap(), mac: MacKey::new(&[1; 32]).unwrap() };
    let keys = OriginKeys::new(&KeyList::of(vec![master]).unwrap());
    let terms =
        Terms { issuer: "https://app.example.com", audience: "origin", ttl: Span::from_secs(60) };
    let validate = Command::Validate { id: hash(3), slide: false };
    let now = NOW.plus(Span::from_millis(2500));
    let (_, reply) = carry_out(representative(), validate, now);
    let Reply::Live(view) = reply else { panic!("it is not alive") };
    let text = |session| {
        let signed = assertion::state(&keys, &terms, &sid(9), session, now);
        let message = signed.expose().to_owned();
        assert!(keys.verify(Kind::Assertion, &message).is_ok());
        let parts: Vec<String> = message
            .split('.')
            .take(2)
            .map(|part| String::from_utf8(edge_session::base64url::decode(part).unwrap()).unwrap())
            .collect();
        parts.join(" ")
    };
    assert_eq!(text(Some(&*view)), SOMEBODY);
    assert_eq!(text(None), NOBODY);
}
