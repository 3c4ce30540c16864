//! Parallel reads with one session ask the store once where memory has no answer for them.
//!
//! Guarantees: nothing is held while anyone waits: a flight is a note that somebody is asking, with
//! the names of those who want to know when the answer is in memory. A fault is everybody's: asking
//! again for each of them is the last thing that a store in trouble needs. Whoever follows asks for
//! itself when no answer comes in time or the one that came does not do, so a leader that dies or is
//! cancelled costs time and nothing else.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use worker::js_sys::{Array, Function, Promise, Symbol};
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys::WorkerGlobalScope;

use super::env;
use crate::mark::Mark;
use crate::store::Fault;
use crate::time::{Span, Time};
use crate::token::IdHash;

/// How much longer than the store's deadline a leader is waited for, so that the fault of one who
/// runs out of time arrives. It begins when the deadline is noticed: after a pause of the isolate
/// the leader's timer and those of all who follow go off at once.
const MARGIN: Span = Span::from_millis(100);

/// What is asked. Only who asks the very same waits for another's answer.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Question {
    /// Which ID it is about.
    pub(super) id: IdHash,
    /// After which change.
    pub(super) mark: Option<Mark>,
    /// Whether it counts as activity: that is written down by whoever asks so, and by no other.
    pub(super) slides: bool,
}

struct Flight {
    number: u64,
    since: Time,
    waiting: Vec<Function>,
    /// Why there is no answer, once that is known.
    fault: Rc<Cell<Option<Fault>>>,
}

impl Flight {
    fn is_under_way(&self, now: Time, deadline: Span) -> bool {
        now >= self.since && now.since(self.since) < deadline
    }
}

#[derive(Default)]
struct Flights {
    latest: u64,
    under_way: HashMap<Question, Flight>,
}

thread_local! {
    static FLIGHTS: RefCell<Flights> = RefCell::new(Flights::default());
}

/// Another request that is asking the same.
pub(super) struct Other {
    landed: Promise,
    left: Span,
    fault: Rc<Cell<Option<Fault>>>,
}

impl Other {
    /// Waits for its answer to be in memory, as long as it may take.
    ///
    /// # Errors
    /// The fault that it met.
    pub(super) async fn landed(self) -> Result<(), Fault> {
        for span in [self.left, MARGIN] {
            let first = Promise::race(&Array::of2(&self.landed, &timer(span)));
            if JsFuture::from(first).await.is_ok_and(|value| value != late()) {
                break;
            }
        }
        self.fault.get().map_or(Ok(()), Err)
    }
}

/// Whoever is asking the same, to wait for.
pub(super) fn other(question: &Question, deadline: Span) -> Option<Other> {
    let now = env::now();
    FLIGHTS.with_borrow_mut(|flights| {
        let flight = flights.under_way.get_mut(question)?;
        if !flight.is_under_way(now, deadline) {
            return None;
        }
        // A promise of this request's own: the platform carries its resolution over from the other's.
        let landed = Promise::new(&mut |resolve, _| flight.waiting.push(resolve));
        let left = flight.since.plus(deadline).since(now);
        Some(Other { landed, left, fault: Rc::clone(&flight.fault) })
    })
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

/// Notes that this request asks.
pub(super) fn lead(question: &Question, deadline: Span) -> u64 {
    let now = env::now();
    FLIGHTS.with_borrow_mut(|flights| {
        // Those whose leader was cancelled stay behind; they are few and old.
        flights.under_way.retain(|_, flight| flight.is_under_way(now, deadline));
        flights.latest = flights.latest.wrapping_add(1);
        let number = flights.latest;
        let flight = Flight { number, since: now, waiting: Vec::new(), fault: Rc::default() };
        flights.under_way.entry(*question).or_insert(flight);
        number
    })
}

/// Tells those who wait that the answer is in memory, or why there is none.
pub(super) fn land(question: &Question, number: u64, fault: Option<Fault>) {
    let flight = FLIGHTS.with_borrow_mut(|flights| {
        let is_own = flights.under_way.get(question).is_some_and(|flight| flight.number == number);
        if is_own { flights.under_way.remove(question) } else { None }
    });
    let Some(flight) = flight else {
        return;
    };
    flight.fault.set(fault);
    for resolve in flight.waiting {
        let _ = resolve.call0(&JsValue::UNDEFINED);
    }
}
