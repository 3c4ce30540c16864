//! Controls, in a response and out of band, judged by the core.

use edge_session::control::{self, Addressed, ControlError, Instruction, OutOfBand, Parties};
use edge_session::data::Change;
use edge_session::lifetime::Shorter;
use edge_session::sid::Sid;
use edge_session::time::Time;
use serde_json::{Value, json};

use super::material::{AUDIENCE, CONTROL, ISSUER, NEW, NOW, keys, signed};

type Judged = Result<Value, ControlError>;

const PARTIES: Parties<'static> = Parties { audience: AUDIENCE, issuer: ISSUER };

pub(crate) fn judge_answer(token: &str, req: &str, now: u64) -> Judged {
    let req = Sid::parse(req).unwrap();
    let read = control::read_answer(&keys(), PARTIES, token, &req, Time::from_secs(now));
    read.map(|(instruction, _)| meaning(instruction))
}

pub(crate) fn judge_out_of_band(token: &str, now: u64) -> Judged {
    let read = control::read_out_of_band(&keys(), PARTIES, token, Time::from_secs(now));
    read.map(|(instruction, _)| meaning_out_of_band(instruction))
}

/// What the core understood, with every member that has an effect.
fn meaning(instruction: Instruction) -> Value {
    match instruction {
        Instruction::Create(create) => json!({
            "op": "create", "sub": create.subject, "data": create.data, "auth_time": create.auth_time, "amr": create.amr,
            "remember": create.remember, "end_others": create.end_others, "life": life(create.shorter),
        }),
        Instruction::Update(changed, shorter) => {
            json!({ "op": "update", "change": change(&changed), "life": life(shorter) })
        }
        Instruction::Rotate(rotate) => json!({
            "op": "rotate", "change": change(&rotate.change), "auth_time": rotate.auth_time, "amr": rotate.amr,
            "end_others": rotate.end_others, "life": life(rotate.shorter),
        }),
        Instruction::Destroy => json!({ "op": "destroy" }),
        Instruction::DestroyAll(subject) => json!({ "op": "destroy_all", "sub": subject }),
    }
}

fn meaning_out_of_band(instruction: OutOfBand) -> Value {
    let about = |Addressed { subject, sid }| (subject, sid);
    match instruction {
        OutOfBand::Update(addressed, changed, shorter) => {
            let (sub, sid) = about(addressed);
            json!({ "op": "update", "sub": sub, "sid": sid, "change": change(&changed), "life": life(shorter) })
        }
        OutOfBand::Destroy(addressed) => {
            let (sub, sid) = about(addressed);
            json!({ "op": "destroy", "sub": sub, "sid": sid })
        }
        OutOfBand::DestroyAll(subject) => json!({ "op": "destroy_all", "sub": subject }),
        OutOfBand::List(subject) => json!({ "op": "list", "sub": subject }),
    }
}

fn change(change: &Change) -> Value {
    json!({ "set": change.set, "unset": change.unset })
}

fn life(shorter: Shorter) -> Value {
    let seconds = |span: Option<edge_session::time::Span>| span.map(|span| span.millis() / 1000);
    json!({ "idle": seconds(shorter.idle), "absolute": seconds(shorter.absolute) })
}

fn code(error: ControlError) -> &'static str {
    match error {
        ControlError::Invalid(_) | ControlError::Member(..) => "control_invalid",
        ControlError::TooLong | ControlError::TooLarge => "control_too_large",
    }
}

pub(crate) fn assert_judged(vector: &Value, judged: &Judged) {
    let name = &vector["name"];
    match judged {
        Ok(meaning) => assert_eq!(vector["means"], *meaning, "{name}"),
        Err(error) => assert_eq!(vector["code"], code(*error), "{name}"),
    }
    assert_eq!(vector["accept"], judged.is_ok(), "{name}");
}

/// An example in a response (with a `req`) or out of band (without).
pub(crate) struct Case {
    name: &'static str,
    header: String,
    payload: String,
    token: String,
    now: u64,
}

impl Case {
    pub(crate) fn new(name: &'static str, payload: &str) -> Self {
        Self::made(name, CONTROL, payload, signed(&NEW.1, CONTROL, payload))
    }

    pub(crate) fn made(name: &'static str, header: &str, payload: &str, token: String) -> Self {
        Self { name, header: header.to_owned(), payload: payload.to_owned(), token, now: NOW }
    }

    pub(crate) fn at(mut self, now: u64) -> Self {
        self.now = now;
        self
    }

    pub(crate) fn example(self, req: Option<&str>, accept: bool) -> Value {
        let judged = match req {
            Some(req) => judge_answer(&self.token, req, self.now),
            None => judge_out_of_band(&self.token, self.now),
        };
        assert_eq!(judged.is_ok(), accept, "{}: {judged:?}", self.name);
        let mut example = json!({
            "name": self.name, "header": self.header, "payload": self.payload, "token": self.token, "now": self.now, "accept": accept,
        });
        match judged {
            Ok(meaning) => example["means"] = meaning,
            Err(error) => example["code"] = code(error).into(),
        }
        if let Some(req) = req {
            example["req"] = req.into();
        }
        example
    }
}
