//! A request on its way through one isolate, which can be copied at every point at which the real gate
//! waits for somebody. It is driven as the shell drives it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

use edge_session::base64url;
use edge_session::gate::{
    self, Asked, Context, Entropy, Leaving, Loaded, Opened, Passage, Pending, Recalled, Resumed,
    Turn, recall, remember, resume, settle,
};
use edge_session::jws::Kind;
use edge_session::memory::{Memory, Ticket};
use edge_session::request::Facts;
use edge_session::site::Site;
use edge_session::store::{Fault, Reply};
use edge_session::time::Time;
use edge_session::verdict::{Answer, Call, Outcome, ResponseFacts};
use serde_json::{Value, json};

use super::world::{ISSUER, extend};

/// What is waited for.
#[derive(Clone)]
pub enum Stage {
    /// The store's word on whose request it is.
    Asking(Box<Passage>, Rc<Call>, Ticket),
    /// It is there.
    Told(Box<Passage>, Rc<Call>, Ticket, Result<Reply, Fault>),
    /// The origin.
    AtOrigin(Rc<Context>),
    /// The store's answer to a command.
    Sent(After, Rc<Call>, Ticket),
    /// It is there.
    Answered(After, Rc<Call>, Ticket, Result<Reply, Fault>),
    /// Nothing: the browser is answered.
    Done(u16, Vec<String>),
}

/// What follows a command.
#[derive(Clone, Debug)]
pub enum After {
    Response(Rc<Context>, Rc<ResponseFacts>, Box<Pending>),
    Leaving(Rc<Leaving>),
    OutOfBand(Asked),
}

/// One instance of the gate.
#[derive(Clone)]
pub struct Isolate {
    pub site: Rc<Site>,
    memory: Memory,
    /// Everything that the memory was told.
    told: u64,
}

#[derive(Clone)]
pub struct Visit {
    pub isolate: usize,
    /// Names the request, and no other.
    pub number: u8,
    /// What the origin was told, if it was asked.
    pub seen: Option<Rc<Value>>,
    /// Whether memory said whose request it is.
    pub from_memory: bool,
    /// Whether only activity is written down, behind an answer that memory gave.
    is_behind: bool,
    pub stage: Stage,
}

impl Isolate {
    pub fn new(site: Rc<Site>) -> Self {
        Self { site, memory: Memory::default(), told: 0 }
    }

    fn note(&mut self, what: &str, call: &Call, reply: Option<&Result<Reply, Fault>>, at: &Ticket) {
        let mut hash = DefaultHasher::new();
        let reply = reply.map(|reply| match reply {
            Ok(reply) => serde_json::to_string(reply).unwrap(),
            Err(fault) => fault.as_str().to_owned(),
        });
        let request = serde_json::to_string(&call.request.command).unwrap();
        (self.told, what, call.locator.object_name(), request, reply).hash(&mut hash);
        format!("{at:?}").hash(&mut hash);
        self.told = hash.finish();
    }

    fn asking(&mut self, call: &Call, now: Time) -> Ticket {
        let ticket = self.memory.asking(call, now);
        if call.is_change() {
            self.note("asking", call, None, &ticket);
        }
        ticket
    }

    fn answered(&mut self, call: &Call, ticket: Ticket, reply: &Result<Reply, Fault>) {
        self.memory.answered(call, ticket, reply, &self.site.mark_key);
        self.note("answered", call, Some(reply), &ticket);
    }

    pub fn print(&self, into: &mut impl Hasher) {
        self.told.hash(into);
    }
}

impl Visit {
    /// A request reaches the gate. What goes on behind the answer comes second.
    pub fn begin(
        number: u8,
        at: usize,
        gates: &mut [Isolate],
        facts: Facts,
        body: Option<&str>,
        now: Time,
    ) -> (Self, Option<Self>) {
        let mut visit = Self {
            isolate: at,
            number,
            seen: None,
            from_memory: false,
            is_behind: false,
            stage: Stage::Done(0, Vec::new()),
        };
        let mut behind = None;
        let gate = &mut gates[at];
        let events = &mut Vec::new();
        visit.stage = match gate::open(&gate.site, facts, now, events) {
            Opened::Answer(answer) => own(&answer),
            Opened::Forward(passage) => visit.resume(gate, *passage, Loaded::Nothing, now),
            Opened::Load(passage) => {
                if let Some(Recalled { reply, touch }) =
                    recall(&gate.site, &passage, &gate.memory, now)
                {
                    visit.from_memory = true;
                    if touch {
                        let call = Rc::new(passage.question(&gate.site).unwrap());
                        let again = now.plus(gate.site.config.store_deadline.times(2));
                        gate.memory.touching(&passage.presented().unwrap().hash, again);
                        let ticket = gate.asking(&call, now);
                        gate.note("touching", &call, None, &ticket);
                        let stage = Stage::Asking(passage.clone(), call, ticket);
                        behind = Some(Self { is_behind: true, stage, ..visit.clone() });
                    }
                    visit.resume(gate, *passage, Loaded::FromMemory(reply), now)
                } else {
                    let call = Rc::new(passage.question(&gate.site).unwrap());
                    let ticket = gate.asking(&call, now);
                    Stage::Asking(passage, call, ticket)
                }
            }
            Opened::Logout(leaving) => match leaving.question(&gate.site, &[]) {
                Some(call) => {
                    let ticket = gate.asking(&call, now);
                    Stage::Sent(After::Leaving(leaving.into()), Rc::new(call), ticket)
                }
                None => own(&leaving.answer(&gate.site, Vec::new(), events)),
            },
            Opened::OutOfBand => match gate::read_out_of_band(&gate.site, body, now, events) {
                Ok((call, asked)) => {
                    let ticket = gate.asking(&call, now);
                    Stage::Sent(After::OutOfBand(asked), Rc::new(call), ticket)
                }
                Err(answer) => own(&answer),
            },
        };
        (visit, behind)
    }

    /// What the store is asked now.
    pub fn call(&self) -> Option<Rc<Call>> {
        match &self.stage {
            Stage::Asking(_, call, _) | Stage::Sent(_, call, _) => Some(Rc::clone(call)),
            _ => None,
        }
    }

    /// What the store was asked and has answered.
    pub fn asked(&self) -> Option<&Call> {
        match &self.stage {
            Stage::Told(_, call, ..) | Stage::Answered(_, call, ..) => Some(call),
            _ => None,
        }
    }

    pub fn is_at_origin(&self) -> bool {
        matches!(self.stage, Stage::AtOrigin(_))
    }

    /// Whether the store has answered and the gate has yet to hear of it.
    pub fn is_told(&self) -> bool {
        matches!(self.stage, Stage::Told(..) | Stage::Answered(..))
    }

    pub fn done(&self) -> Option<(u16, &[String])> {
        match &self.stage {
            Stage::Done(status, cookies) => Some((*status, cookies)),
            _ => None,
        }
    }

    /// The store has answered.
    pub fn tell(&mut self, reply: Result<Reply, Fault>) {
        self.stage = match std::mem::replace(&mut self.stage, Stage::Done(0, Vec::new())) {
            Stage::Asking(passage, call, ticket) => Stage::Told(passage, call, ticket, reply),
            Stage::Sent(after, call, ticket) => Stage::Answered(after, call, ticket, reply),
            other => other,
        };
    }

    /// The gate hears of it.
    pub fn hear(&mut self, gates: &mut [Isolate], now: Time) {
        let gate = &mut gates[self.isolate];
        let events = &mut Vec::new();
        self.stage = match std::mem::replace(&mut self.stage, Stage::Done(0, Vec::new())) {
            Stage::Told(passage, call, ticket, reply) => {
                gate.answered(&call, ticket, &reply);
                if let (Ok(reply), Some(token)) = (&reply, passage.presented()) {
                    let ticket = ticket.of(passage.mark());
                    remember(
                        &gate.site,
                        &mut gate.memory,
                        &token.hash,
                        call.locator,
                        ticket,
                        reply,
                    );
                }
                if self.is_behind {
                    Stage::Done(0, Vec::new())
                } else {
                    self.resume(gate, *passage, Loaded::FromStore(reply), now)
                }
            }
            Stage::Answered(after, call, ticket, reply) => {
                gate.answered(&call, ticket, &reply);
                match after {
                    After::Response(context, facts, pending) => {
                        let turn =
                            settle(&gate.site, &context, &facts, *pending, reply, now, events);
                        turned(gate, context, facts, turn, now)
                    }
                    After::Leaving(leaving) => {
                        own(&leaving.answer(&gate.site, vec![reply], events))
                    }
                    After::OutOfBand(asked) => own(&asked.answer(&gate.site, reply, events)),
                }
            }
            other => other,
        };
    }

    /// The origin answers, with a control of these members if there are any.
    pub fn answer(&mut self, gates: &mut [Isolate], control: &Value, now: Time) {
        let Stage::AtOrigin(context) = &self.stage else { return };
        let context = Rc::clone(context);
        let gate = &mut gates[self.isolate];
        let mut facts = ResponseFacts { status: 200, ..ResponseFacts::default() };
        if !control.is_null() {
            let seen = self.seen.as_ref().unwrap();
            let claims = json!({
                "iss": "origin", "aud": ISSUER, "iat": now.secs(), "exp": now.secs() + 30, "req": seen["jti"],
            });
            let claims = extend(claims, control).to_string();
            let signed = gate.site.origin_keys.sign(Kind::Control, claims.as_bytes());
            facts.take("edge-session-control", signed.expose());
        }
        let turn = gate::respond(&gate.site, &context, &facts, now, &mut Vec::new());
        self.stage = turned(gate, context, facts.into(), turn, now);
    }

    fn resume(&mut self, gate: &Isolate, passage: Passage, loaded: Loaded, now: Time) -> Stage {
        let entropy = Entropy { jti: [self.number; 16], secret: [self.number; 32] };
        match resume(&gate.site, passage, loaded, now, &entropy, &mut Vec::new()) {
            Resumed::Answer(answer) => own(&answer),
            Resumed::Forward(forward) => {
                let payload = forward.outbound.assertion.expose().split('.').nth(1).unwrap();
                let claims = base64url::decode(payload).unwrap();
                self.seen = Some(Rc::new(serde_json::from_slice(&claims).unwrap()));
                Stage::AtOrigin(Rc::new(forward.context))
            }
        }
    }

    pub fn print(&self, into: &mut impl Hasher) {
        (self.isolate, self.number, self.from_memory).hash(into);
        self.seen.as_ref().map(ToString::to_string).hash(into);
        let told = |reply: &Result<Reply, Fault>| match reply {
            Ok(reply) => serde_json::to_string(reply).unwrap(),
            Err(fault) => fault.as_str().to_owned(),
        };
        let asked = |call: &Call| serde_json::to_string(&call.request.command).unwrap();
        match &self.stage {
            Stage::Asking(_, call, ticket) => (1, asked(call), format!("{ticket:?}")).hash(into),
            Stage::Told(_, call, ticket, reply) => {
                (2, asked(call), format!("{ticket:?}"), told(reply)).hash(into);
            }
            Stage::AtOrigin(context) => (3, format!("{context:?}")).hash(into),
            Stage::Sent(after, call, ticket) => {
                (4, asked(call), format!("{ticket:?}{after:?}")).hash(into);
            }
            Stage::Answered(after, call, ticket, reply) => {
                (5, asked(call), format!("{ticket:?}{after:?}"), told(reply)).hash(into);
            }
            Stage::Done(status, cookies) => (6, status, cookies).hash(into),
        }
    }
}

fn turned(
    gate: &mut Isolate,
    context: Rc<Context>,
    facts: Rc<ResponseFacts>,
    turn: Turn,
    now: Time,
) -> Stage {
    match turn {
        Turn::Ask(call, pending) => {
            let ticket = gate.asking(&call, now);
            Stage::Sent(After::Response(context, facts, pending), Rc::new(*call), ticket)
        }
        Turn::Done(Outcome::Replace(answer)) => own(&answer),
        Turn::Done(Outcome::Pass(edits)) => Stage::Done(
            facts.status,
            edits.cookies.iter().map(|cookie| cookie.expose().to_owned()).collect(),
        ),
    }
}

fn own(answer: &Answer) -> Stage {
    Stage::Done(
        answer.status,
        answer.cookies.iter().map(|cookie| cookie.expose().to_owned()).collect(),
    )
}
