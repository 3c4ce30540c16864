//! The shell: everything that touches the platform.
//!
//! Guarantees: it decides nothing; facts go into the core and what comes out is carried out as it
//! says. No lock, borrow or single flight is held across an await, because a client that disconnects
//! ends the work without `Drop` being run. No byte of a forwarded body passes through here.

mod bindings;
mod env;
mod flights;
mod http;
mod journal;
mod kv;
mod objects;
mod session_object;
mod store;
mod upstream;

use std::rc::Rc;

use wasm_bindgen::prelude::*;
use worker::js_sys::Promise;
use worker::wasm_bindgen_futures::future_to_promise;
use worker::web_sys::{Request, Response};
use worker::{Env, worker_sys};

use crate::error::Code;
use crate::event::Event;
use crate::gate::{self, Leaving, Loaded, Opened, Passage, Pending, Recalled, Resumed, Turn};
use crate::site::Site;
use crate::store::Reply;
use crate::time::Time;
use crate::verdict::{Answer, Call, Outcome, ResponseFacts};

use flights::{Other, Question};

/// A response or the promise of one, or why the platform did not let us make one; the entry answers
/// that with 500.
type Responded = Result<JsValue, JsValue>;

/// Handles a request.
///
/// # Errors
/// None: the entry takes what is thrown for the death of the instance. What the platform refuses is
/// a promise that fails, and concerns this request alone.
#[wasm_bindgen]
#[expect(unreachable_pub, reason = "JavaScript reaches it")]
pub fn fetch(request: Request, env: Env, context: &worker_sys::Context) -> JsValue {
    begin(request, env, context).unwrap_or_else(|error| Promise::reject(&error).into())
}

/// Whoever needs no store is answered or sent on before this returns: a future costs a request
/// several turns of the event loop, and most requests need none.
fn begin(request: Request, env: Env, context: &worker_sys::Context) -> Responded {
    let site = match env::site(&env) {
        Ok(site) => site,
        Err(problems) => {
            journal::misconfigured(&problems);
            return http::own(&Code::ConfigInvalid.problem().into());
        }
    };
    let now = env::now();
    let mut events = Vec::new();
    let opened = gate::open(&site, http::facts(&request)?, now, &mut events);
    let visit = Visit { site, env, request };
    match opened {
        Opened::Answer(answer) => visit.answer(&answer, &events),
        Opened::Forward(passage) => visit.forward(*passage, Loaded::Nothing, now, events),
        Opened::Load(passage) => match remembered(&visit, context, &passage, now)? {
            Some(reply) => visit.forward(*passage, Loaded::FromMemory(reply), now, events),
            None => visit.load(passage, now, events),
        },
        Opened::Logout(leaving) => Ok(future_to_promise(visit.leave(leaving, events)).into()),
        Opened::OutOfBand => Ok(future_to_promise(visit.out_of_band(events)).into()),
    }
}

/// A request, and what it takes to handle it.
struct Visit {
    site: Rc<Site>,
    env: Env,
    request: Request,
}

/// What memory says of a request's ID, where that may be relied on.
fn remembered(
    visit: &Visit,
    context: &worker_sys::Context,
    passage: &Passage,
    now: Time,
) -> Result<Option<Reply>, JsValue> {
    let site = &visit.site;
    let Some(Recalled { reply, touch }) = recall(site, passage, now) else {
        return Ok(None);
    };
    if touch && let Some((call, question)) = inquiry(site, passage) {
        let again = now.plus(site.config.store_deadline.times(2));
        store::memory(site, |memory| memory.touching(&question.id, again));
        let told = Rc::clone(site);
        let touched = store::validate(site, &visit.env, &question, call, move |reply| {
            if let Err(fault) = reply {
                journal::write(&told.config, &[Event::store_fault(fault)]);
            }
            Ok(JsValue::UNDEFINED)
        })?;
        // Activity seen while memory answered is written down behind the response.
        context.wait_until(&Promise::resolve(&touched))?;
    }
    Ok(Some(reply))
}

/// What the store is to be asked about a request's ID.
fn inquiry(site: &Site, passage: &Passage) -> Option<(Call, Question)> {
    let id = passage.presented()?.hash;
    let question = Question { id, mark: passage.mark(), slides: passage.slides() };
    Some((passage.question(site)?, question))
}

fn recall(site: &Site, passage: &Passage, now: Time) -> Option<Recalled> {
    store::memory(site, |memory| gate::recall(site, passage, memory, now))
}

impl Visit {
    fn answer(&self, answer: &Answer, events: &[Event]) -> Responded {
        journal::write(&self.site.config, events);
        http::own(answer)
    }

    /// Finds out whose ID it is, and goes on with the answer.
    fn load(self, passage: Box<Passage>, now: Time, events: Vec<Event>) -> Responded {
        let Some((call, question)) = inquiry(&self.site, &passage) else {
            return self.forward(*passage, Loaded::Nothing, now, events);
        };
        // Somebody may be asking the same at this moment.
        let deadline = self.site.config.store_deadline;
        let other =
            if passage.fresh_for().is_zero() { None } else { flights::other(&question, deadline) };
        match other {
            None => self.ask(passage, question, call, events),
            Some(other) => {
                let followed = self.follow(other, passage, question, call, events);
                Ok(future_to_promise(followed).into())
            }
        }
    }

    /// Asks the store.
    fn ask(
        self,
        passage: Box<Passage>,
        question: Question,
        call: Call,
        events: Vec<Event>,
    ) -> Responded {
        let (site, env) = (Rc::clone(&self.site), self.env.clone());
        let flight = flights::lead(&question, site.config.store_deadline);
        store::validate(&site, &env, &question, call, move |reply| {
            flights::land(&question, flight, reply.as_ref().err().copied());
            self.forward(*passage, Loaded::FromStore(reply), env::now(), events)
        })
    }

    /// Takes the answer that another request gets; asks where that does not do.
    async fn follow(
        self,
        other: Other,
        passage: Box<Passage>,
        question: Question,
        call: Call,
        events: Vec<Event>,
    ) -> Responded {
        let loaded = match other.landed().await {
            Err(fault) => Loaded::FromStore(Err(fault)),
            // Its activity was written down by whoever asked.
            Ok(()) => match recall(&self.site, &passage, env::now()) {
                Some(recalled) => Loaded::FromMemory(recalled.reply),
                None => return self.ask(passage, question, call, events),
            },
        };
        self.forward(*passage, loaded, env::now(), events)
    }

    /// Sends the request on, if it may go, and promises what becomes of the answer.
    fn forward(
        self,
        passage: Passage,
        loaded: Loaded,
        now: Time,
        mut events: Vec<Event>,
    ) -> Responded {
        let entropy = env::entropy()?;
        let resumed = gate::resume(&self.site, passage, loaded, now, &entropy, &mut events);
        let forward = match resumed {
            Resumed::Answer(answer) => return self.answer(&answer, &events),
            Resumed::Forward(forward) => *forward,
        };
        journal::write(&self.site.config, &events);
        let Self { site, env, request } = self;
        // In a box, so that what is left of the closure once it was called is small: it is the
        // garbage collector's, which also finds those that are never called.
        let turnaround =
            Box::new(Turnaround { site: Rc::clone(&site), env, context: forward.context });
        let fetcher = upstream::fetcher(&site.config, &turnaround.env);
        let then = Closure::once(move |response| turnaround.respond(response)).into_js_value();
        let sent = fetcher.and_then(|fetcher| {
            upstream::send(&site.config, &fetcher, &request, &forward.outbound, then)
        });
        sent.or_else(|_| unreachable(&site))
    }

    async fn leave(self, leaving: Box<Leaving>, mut events: Vec<Event>) -> Responded {
        let mut replies = Vec::new();
        while let Some(call) = leaving.question(&self.site, &replies) {
            replies.push(store::ask(&self.site, &self.env, &call).await);
        }
        let answer = leaving.answer(&self.site, replies, &mut events);
        self.answer(&answer, &events)
    }

    async fn out_of_band(self, mut events: Vec<Event>) -> Responded {
        let body = http::short_body(&self.request, crate::control::LONGEST).await;
        let read = gate::read_out_of_band(&self.site, body.as_deref(), env::now(), &mut events);
        let answer = match read {
            Err(answer) => answer,
            Ok((call, asked)) => {
                let reply = store::ask(&self.site, &self.env, &call).await;
                asked.answer(&self.site, reply, &mut events)
            }
        };
        self.answer(&answer, &events)
    }
}

/// A forwarded request whose answer is awaited.
struct Turnaround {
    site: Rc<Site>,
    env: Env,
    context: gate::Context,
}

impl Turnaround {
    /// Looks at the origin's answer; undefined when there is none.
    fn respond(self, response: JsValue) -> Responded {
        if response.is_undefined() {
            return unreachable(&self.site);
        }
        let response: Response = response.unchecked_into();
        let facts = http::response_facts(&response)?;
        let mut events = Vec::new();
        match gate::respond(&self.site, &self.context, &facts, env::now(), &mut events) {
            Turn::Done(outcome) => self.finish(response, &outcome, &events),
            Turn::Ask(call, pending) => {
                let applied = self.apply(response, facts, call, pending, events);
                Ok(future_to_promise(applied).into())
            }
        }
    }

    /// Does what the origin said, one store command after the other.
    async fn apply(
        self,
        response: Response,
        facts: ResponseFacts,
        mut call: Box<Call>,
        mut pending: Box<Pending>,
        mut events: Vec<Event>,
    ) -> Responded {
        let site = &self.site;
        loop {
            let reply = store::ask(site, &self.env, &call).await;
            let now = env::now();
            match gate::settle(site, &self.context, &facts, *pending, reply, now, &mut events) {
                Turn::Ask(next, then) => (call, pending) = (next, then),
                Turn::Done(outcome) => return self.finish(response, &outcome, &events),
            }
        }
    }

    fn finish(&self, response: Response, outcome: &Outcome, events: &[Event]) -> Responded {
        journal::write(&self.site.config, events);
        match outcome {
            Outcome::Replace(answer) => http::own(answer),
            // A status that no response can be made with (600 and above).
            Outcome::Pass(edits) => {
                http::edited(response, edits).or_else(|_| unreachable(&self.site))
            }
        }
    }
}

fn unreachable(site: &Site) -> Responded {
    journal::write(&site.config, &[Event::origin_fault()]);
    http::own(&Code::OriginUnreachable.problem().into())
}
