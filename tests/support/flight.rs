//! A request under way, in steps: at each of them the real gate waits for somebody, and others go on
//! meanwhile.

use std::rc::Rc;

use edge_session::config::StoreKind;
use edge_session::event::Event;
use edge_session::gate::{
    self, Asked, Context, Forward, Leaving, Loaded, Opened, Passage, Pending, Recalled, Resumed,
    Turn, recall, remember, resume, settle,
};
use edge_session::memory::Ticket;
use edge_session::store::{Fault, Reply};
use edge_session::time::Time;
use edge_session::verdict::{Answer, Call, Outcome, ResponseFacts};

use super::browser::Ask;
use super::origin::{Play, Seen};
use super::reaction::Reaction;
use super::{Isolate, World};

enum State {
    Begun,
    Asking(Box<Passage>, Box<Call>, Ticket),
    Told(Box<Passage>, Box<Call>, Ticket, Result<Reply, Fault>),
    AtOrigin(Box<Forward>),
    Answered(Box<Context>, ResponseFacts),
    Commanding(Box<Context>, ResponseFacts, Box<Call>, Box<Pending>),
    Sent(Box<Context>, ResponseFacts, Box<Call>, Box<Pending>, Ticket),
    Commanded(Box<Context>, ResponseFacts, Box<Call>, Box<Pending>, Ticket, Result<Reply, Fault>),
    Leaving(Box<Leaving>),
    OutOfBand(Box<Call>, Asked),
    Done(Box<Reaction>),
    /// Only while a step is being made.
    Stepping,
}

pub struct Flight {
    pub isolate: usize,
    pub ask: Ask,
    /// The body of a message out of band.
    pub body: Option<String>,
    pub seen: Option<Seen>,
    /// When it was decided whose request it is.
    pub resumed: Option<Time>,
    play: Rc<Play>,
    state: State,
}

impl Flight {
    pub fn new(isolate: usize, ask: Ask, play: Play) -> Self {
        let state = State::Begun;
        Self { isolate, ask, body: None, seen: None, resumed: None, play: Rc::new(play), state }
    }

    pub fn reaction(&self) -> Option<&Reaction> {
        match &self.state {
            State::Done(reaction) => Some(reaction),
            _ => None,
        }
    }

    /// Whether it waits for the origin, which may take its time, as no store may.
    pub fn is_at_origin(&self) -> bool {
        matches!(&self.state, State::AtOrigin(_))
    }

    /// Whether it waits for a command that changes something.
    pub fn is_commanding(&self) -> bool {
        matches!(&self.state, State::Commanding(..) | State::Leaving(_))
    }

    /// The command that was asked has failed on its way, whatever was decided.
    pub fn fail(&mut self, fault: Fault) {
        if let State::Told(.., reply) | State::Commanded(.., reply) = &mut self.state {
            *reply = Err(fault);
        }
    }

    fn own(&self, answer: Answer) -> State {
        assert!(
            answer
                .headers
                .iter()
                .any(|(name, value)| *name == "cache-control" && value == "no-store"),
            "every answer of the gate's own is no-store"
        );
        let headers = answer.headers.into_iter().map(|(name, value)| (name.to_owned(), value));
        State::Done(Box::new(Reaction {
            status: answer.status,
            headers: headers.collect(),
            removed: Vec::new(),
            cookies: answer.cookies.iter().map(|cookie| cookie.expose().to_owned()).collect(),
            body: answer.body,
            seen: self.seen.clone(),
            is_own: true,
        }))
    }
}

impl World {
    /// Makes all steps that are left.
    pub fn finish(&mut self, flight: &mut Flight) -> Reaction {
        while !self.advance(flight) {}
        flight.reaction().unwrap().clone()
    }

    /// Lets all of them make one step each, in turn, until all are answered.
    pub fn interleave(&mut self, flights: &mut [Flight]) {
        while flights.iter().any(|flight| flight.reaction().is_none()) {
            for flight in &mut *flights {
                self.advance(flight);
            }
        }
    }

    /// Makes steps until the request waits for the origin.
    pub fn until_at_origin(&mut self, flight: &mut Flight) {
        while !matches!(flight.state, State::AtOrigin(_)) {
            assert!(!self.advance(flight), "it was answered before: {:?}", flight.reaction());
        }
    }

    /// Makes steps until a changing command is about to reach the store.
    pub fn until_commanding(&mut self, flight: &mut Flight) {
        while !flight.is_commanding() {
            assert!(!self.advance(flight), "it was answered before: {:?}", flight.reaction());
        }
    }

    /// Makes one step. Says whether that was the last one.
    pub fn advance(&mut self, flight: &mut Flight) -> bool {
        let mut events = Vec::new();
        let state = std::mem::replace(&mut flight.state, State::Stepping);
        flight.state = self.step(flight, state, &mut events);
        self.log(flight.isolate, &events);
        let State::Done(reaction) = &flight.state else {
            return false;
        };
        for cookie in &reaction.cookies {
            self.note_secret(cookie);
        }
        true
    }

    fn step(&mut self, flight: &mut Flight, state: State, events: &mut Vec<Event>) -> State {
        let now = self.now;
        match state {
            State::Begun => self.begin(flight, events),
            State::Asking(passage, call, ticket) => {
                let reply = self.ask(flight.isolate, &call);
                State::Told(passage, call, ticket, reply)
            }
            State::Told(passage, call, ticket, reply) => {
                if let (Ok(reply), Some(token)) = (&reply, passage.presented()) {
                    let Isolate { memory, site, .. } = &mut self.isolates[flight.isolate];
                    remember(site, memory, &token.hash, call.locator, ticket, reply);
                }
                self.resume(flight, *passage, Loaded::FromStore(reply), events)
            }
            State::AtOrigin(forward) => {
                self.forwarded += 1;
                let keys = self.isolates[flight.isolate].site.origin_keys.clone();
                let Forward { outbound, context } = *forward;
                let sent = &flight.ask.headers;
                let seen = Seen::new(&keys, &flight.ask.method, sent, &outbound, now);
                self.printed.extend(seen.headers.iter().map(|(_, value)| value.clone()));
                self.printed.push(serde_json::Value::Object(seen.claims.clone()).to_string());
                let facts = flight.play.answer(&keys, &seen);
                flight.seen = Some(seen);
                State::Answered(Box::new(context), facts)
            }
            State::Answered(context, facts) => {
                let site = &self.isolates[flight.isolate].site;
                let turn = gate::respond(site, &context, &facts, now, events);
                self.turn(flight, context, facts, turn)
            }
            State::Commanding(context, facts, call, pending) => {
                let ticket = self.isolates[flight.isolate].memory.asking(&call, now);
                State::Sent(context, facts, call, pending, ticket)
            }
            State::Sent(context, facts, call, pending, ticket) => {
                let reply = self.carry_out(flight.isolate, &call);
                State::Commanded(context, facts, call, pending, ticket, reply)
            }
            State::Commanded(context, facts, call, pending, ticket, reply) => {
                let Isolate { memory, site, .. } = &mut self.isolates[flight.isolate];
                memory.answered(&call, ticket, &reply, &site.mark_key);
                let turn = settle(site, &context, &facts, *pending, reply, now, events);
                self.turn(flight, context, facts, turn)
            }
            State::Leaving(leaving) => {
                let mut replies = Vec::new();
                while let Some(call) =
                    leaving.question(&self.isolates[flight.isolate].site, &replies)
                {
                    replies.push(self.ask(flight.isolate, &call));
                }
                let site = &self.isolates[flight.isolate].site;
                flight.own(leaving.answer(site, replies, events))
            }
            State::OutOfBand(call, asked) => {
                let reply = self.ask(flight.isolate, &call);
                let site = &self.isolates[flight.isolate].site;
                flight.own(asked.answer(site, reply, events))
            }
            State::Done(_) | State::Stepping => state,
        }
    }

    fn begin(&mut self, flight: &mut Flight, events: &mut Vec<Event>) -> State {
        let now = self.now;
        let isolate = &self.isolates[flight.isolate];
        match gate::open(&isolate.site, flight.ask.facts(), now, events) {
            Opened::Answer(answer) => flight.own(answer),
            Opened::Forward(passage) => self.resume(flight, *passage, Loaded::Nothing, events),
            Opened::Load(passage) => {
                self.printed.push(format!("{passage:?}"));
                let call = passage.question(&isolate.site).unwrap();
                let Some(Recalled { reply, touch }) =
                    recall(&isolate.site, &passage, &isolate.memory, now)
                else {
                    let ticket = isolate.memory.ticket(now).of(passage.mark());
                    return State::Asking(passage, Box::new(call), ticket);
                };
                if touch {
                    let _ = self.ask(flight.isolate, &call);
                }
                self.resume(flight, *passage, Loaded::FromMemory(reply), events)
            }
            Opened::Logout(leaving) => State::Leaving(leaving),
            Opened::OutOfBand => {
                let body = flight.body.as_deref();
                let fits = body.filter(|body| body.len() <= edge_session::control::LONGEST);
                match gate::read_out_of_band(&isolate.site, fits, now, events) {
                    Ok((call, asked)) => State::OutOfBand(Box::new(call), asked),
                    Err(answer) => flight.own(answer),
                }
            }
        }
    }

    fn resume(
        &mut self,
        flight: &mut Flight,
        passage: Passage,
        loaded: Loaded,
        events: &mut Vec<Event>,
    ) -> State {
        flight.resumed = Some(self.now);
        let entropy = self.draw();
        self.printed.push(format!("{entropy:?} {loaded:?}"));
        let site = &self.isolates[flight.isolate].site;
        match resume(site, passage, loaded, self.now, &entropy, events) {
            Resumed::Answer(answer) => flight.own(answer),
            Resumed::Forward(forward) => {
                self.printed.push(format!("{forward:?}"));
                State::AtOrigin(forward)
            }
        }
    }

    fn turn(
        &mut self,
        flight: &Flight,
        context: Box<Context>,
        facts: ResponseFacts,
        turn: Turn,
    ) -> State {
        let edits = match turn {
            Turn::Ask(call, pending) => {
                self.printed.push(format!("{call:?} {pending:?}"));
                return State::Commanding(context, facts, call, pending);
            }
            Turn::Done(Outcome::Replace(answer)) => return flight.own(answer),
            Turn::Done(Outcome::Pass(edits)) => edits,
        };
        self.printed.push(format!("{edits:?}"));
        let mut cookies = edits.kept_cookies.unwrap_or_else(|| facts.set_cookies.clone());
        cookies.extend(edits.cookies.iter().map(|cookie| cookie.expose().to_owned()));
        let headers = edits.set.iter();
        State::Done(Box::new(Reaction {
            status: facts.status,
            headers: headers.map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            removed: edits.remove,
            cookies,
            body: String::new(),
            seen: flight.seen.clone(),
            is_own: false,
        }))
    }

    /// Asks the store, as the shell does.
    fn ask(&mut self, isolate: usize, call: &Call) -> Result<Reply, Fault> {
        let ticket = self.isolates[isolate].memory.asking(call, self.now);
        let reply = self.carry_out(isolate, call);
        let Isolate { memory, site, .. } = &mut self.isolates[isolate];
        memory.answered(call, ticket, &reply, &site.mark_key);
        reply
    }

    fn carry_out(&mut self, isolate: usize, call: &Call) -> Result<Reply, Fault> {
        let wire = serde_json::to_string(&call.request).unwrap();
        self.printed.push(wire);
        match (&mut self.kv, self.isolates[isolate].site.config.store) {
            (Some(kv), StoreKind::Kv) => kv.ask(isolate, call, self.now),
            _ => match self.store.ask(call, self.now) {
                Err(fault) if call.is_asked_again_after(fault) => self.store.ask(call, self.now),
                reply => reply,
            },
        }
    }
}
