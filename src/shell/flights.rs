//! Parallel first requests of one session ask the store once.
//!
//! Guarantees: nothing is held while anyone waits: a flight is a note that somebody is asking, with
//! the names of those who want to know when the answer is in memory. Whoever follows asks for itself
//! when no answer comes in time or the one that came does not do, so a leader that dies or is
//! cancelled costs time and nothing else.

use std::cell::RefCell;
use std::collections::HashMap;

use worker::js_sys::{Array, Function, Promise, Symbol};
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys::WorkerGlobalScope;

use super::env;
use crate::time::{Span, Time};
use crate::token::IdHash;

struct Flight {
    number: u64,
    since: Time,
    waiting: Vec<Function>,
}

#[derive(Default)]
struct Flights {
    latest: u64,
    under_way: HashMap<IdHash, Flight>,
}

thread_local! {
    static FLIGHTS: RefCell<Flights> = RefCell::new(Flights::default());
}

/// Waits for whoever is asking about this ID. False when nobody is.
pub(super) async fn follow(id: &IdHash, deadline: Span) -> bool {
    let now = env::now();
    let is_under_way = FLIGHTS.with_borrow(|flights| {
        flights
            .under_way
            .get(id)
            .is_some_and(|flight| now >= flight.since && now.since(flight.since) < deadline)
    });
    if !is_under_way {
        return false;
    }
    // A promise of this request's own: the platform carries its resolution over from the other's.
    let landed = Promise::new(&mut |resolve, _| {
        FLIGHTS.with_borrow_mut(|flights| {
            if let Some(flight) = flights.under_way.get_mut(id) {
                flight.waiting.push(resolve);
            }
        });
    });
    let _ = JsFuture::from(Promise::race(&Array::of2(&landed, &timer(deadline)))).await;
    true
}

/// A promise that resolves to [`late`] after this time.
pub(super) fn timer(span: Span) -> Promise {
    Promise::new(&mut |resolve, _| {
        let global: WorkerGlobalScope = worker::js_sys::global().unchecked_into();
        let millis = i32::try_from(span.millis()).unwrap_or(i32::MAX);
        let arguments = Array::of1(&late());
        let _ = global
            .set_timeout_with_callback_and_timeout_and_arguments(&resolve, millis, &arguments);
    })
}

/// What a timer resolves to, and nothing else does.
pub(super) fn late() -> JsValue {
    Symbol::for_("edge-session late").into()
}

/// Notes that this request asks about an ID.
pub(super) fn lead(id: &IdHash, deadline: Span) -> u64 {
    let now = env::now();
    FLIGHTS.with_borrow_mut(|flights| {
        // Those whose leader was cancelled stay behind; they are few and old.
        flights
            .under_way
            .retain(|_, flight| now >= flight.since && now.since(flight.since) < deadline);
        flights.latest = flights.latest.wrapping_add(1);
        let number = flights.latest;
        let flight = Flight {
            number,
            since: now,
            waiting: Vec::new(),
        };
        flights.under_way.entry(*id).or_insert(flight);
        number
    })
}

/// Tells those who wait that the answer is in memory, if there was one.
pub(super) fn land(id: &IdHash, number: u64) {
    let waiting = FLIGHTS.with_borrow_mut(|flights| {
        let is_own = flights
            .under_way
            .get(id)
            .is_some_and(|flight| flight.number == number);
        if is_own {
            flights.under_way.remove(id)
        } else {
            None
        }
    });
    for resolve in waiting.into_iter().flat_map(|flight| flight.waiting) {
        let _ = resolve.call0(&JsValue::UNDEFINED);
    }
}
