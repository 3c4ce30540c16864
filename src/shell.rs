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

use worker::web_sys;
use worker::{Context, Env, event};

use crate::error::Code;
use crate::event::Event;
use crate::gate::{self, Leaving, Opened, Passage, Resumed, Source, Turn};
use crate::site::Site;
use crate::store::{Fault, Reply};
use crate::verdict::{Answer, Outcome};

/// A response, or why the platform did not let us make one; the entry answers that with 500.
type Responded = Result<web_sys::Response, worker::Error>;

#[event(fetch)]
async fn fetch(request: web_sys::Request, env: Env, context: Context) -> Responded {
    let site = match env::site(&env) {
        Ok(site) => site,
        Err(problems) => {
            journal::misconfigured(&problems);
            return http::own(&Code::ConfigInvalid.problem().into());
        }
    };
    let mut events = Vec::new();
    let opened = gate::open(&site, http::facts(&request), env::now(), &mut events);
    let responded = match opened {
        Opened::Answer(answer) => http::own(&answer),
        Opened::Logout(leaving) => leave(&site, &env, &leaving, &mut events).await,
        Opened::OutOfBand => out_of_band(&site, &env, &request, &mut events).await,
        Opened::Forward(passage) => {
            forward(&site, &env, &request, *passage, None, &mut events).await
        }
        Opened::Load(mut passage) => {
            let loaded = load(&site, &env, &context, &mut passage).await;
            forward(&site, &env, &request, *passage, loaded, &mut events).await
        }
    };
    journal::write(&site.config, &events);
    responded
}

/// Whose ID is it? From memory where that may be relied on, else from the store.
async fn load(
    site: &Rc<Site>,
    env: &Env,
    context: &Context,
    passage: &mut Passage,
) -> Option<Result<Reply, Fault>> {
    let call = passage.question(site)?;
    let id = passage.presented()?.hash;
    let mark = passage.mark();
    let recall = |passage: &Passage| {
        store::memory(site, |memory| gate::recall(site, passage, memory, env::now()))
    };
    let mut recalled = recall(passage);
    if recalled.is_none() && !passage.fresh_for().is_zero() {
        // Somebody may be asking the same at this moment.
        match flights::follow((id, mark), site.config.store_deadline).await {
            Ok(true) => recalled = recall(passage),
            Ok(false) => {}
            Err(fault) => return Some(Err(fault)),
        }
    }
    if let Some((reply, touch)) = recalled {
        passage.answered_from(Source::Memory);
        if touch {
            let again = env::now().plus(site.config.store_deadline.doubled());
            store::memory(site, |memory| memory.touching(&id, again));
            let (site, env) = (Rc::clone(site), env.clone());
            // Activity seen while memory answered is written down behind the response.
            context.wait_until(async move {
                if let Err(fault) = store::validate(&site, &env, &call, &id, mark).await {
                    journal::write(&site.config, &[Event::store_fault(fault)]);
                }
            });
        }
        return Some(Ok(reply));
    }
    passage.answered_from(Source::Store);
    let flight = flights::lead((id, mark), site.config.store_deadline);
    let reply = store::validate(site, env, &call, &id, mark).await;
    flights::land((id, mark), flight, reply.as_ref().err().copied());
    Some(reply)
}

async fn forward(
    site: &Site,
    env: &Env,
    request: &web_sys::Request,
    passage: Passage,
    loaded: Option<Result<Reply, Fault>>,
    events: &mut Vec<Event>,
) -> Responded {
    let entropy = env::entropy()?;
    let forward = match gate::resume(site, passage, loaded, env::now(), &entropy, events) {
        Resumed::Answer(answer) => return http::own(&answer),
        Resumed::Forward(forward) => forward,
    };
    let Ok(response) = upstream::fetch(&site.config, env, request, &forward.outbound).await else {
        events.push(Event::origin_fault());
        return http::own(&Code::OriginUnreachable.problem().into());
    };
    let facts = http::response_facts(&response);
    let mut turn = gate::respond(site, &forward.context, &facts, env::now(), events);
    loop {
        match turn {
            Turn::Ask(call, pending) => {
                let reply = store::ask(site, env, &call).await;
                let now = env::now();
                turn = gate::settle(site, &forward.context, &facts, *pending, reply, now, events);
            }
            Turn::Done(Outcome::Replace(answer)) => return http::own(&answer),
            Turn::Done(Outcome::Pass(edits)) => {
                return http::edited(response, &edits).or_else(|_| {
                    // A status that no response can be made with (600 and above).
                    events.push(Event::origin_fault());
                    http::own(&Code::OriginUnreachable.problem().into())
                });
            }
        }
    }
}

async fn leave(site: &Site, env: &Env, leaving: &Leaving, events: &mut Vec<Event>) -> Responded {
    let mut replies = Vec::new();
    for call in leaving.questions(site) {
        replies.push(store::ask(site, env, &call).await);
    }
    http::own(&leaving.answer(site, replies, events))
}

async fn out_of_band(
    site: &Site,
    env: &Env,
    request: &web_sys::Request,
    events: &mut Vec<Event>,
) -> Responded {
    let body = http::short_body(request, crate::control::LONGEST).await;
    let read = gate::read_out_of_band(site, body.as_deref(), env::now(), events);
    let answer: Answer = match read {
        Err(answer) => answer,
        Ok((call, asked)) => {
            let reply = store::ask(site, env, &call).await;
            asked.answer(site, reply, events)
        }
    };
    http::own(&answer)
}
