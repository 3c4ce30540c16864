//! The Durable Object that holds all sessions of one subject, or one anonymous session.
//!
//! Guarantees: every command is read, decided and written without a pause, and written in one
//! transaction, so commands cannot interleave and a trap leaves the record as it was; a command that
//! changes nothing writes nothing; an object that has nothing left to keep deletes itself, alarm and
//! all. Failures are answered as data, for the runtime logs what is thrown.

use std::cell::{Cell, RefCell};

use wasm_bindgen::prelude::*;
use worker::js_sys::{JsString, Promise};
use worker::wasm_bindgen_futures::{JsFuture, future_to_promise};
use worker::{Env, wasm_bindgen};

use super::bindings::{self, Storage};
use super::{env, journal};
use crate::event::Event;
use crate::record::Record;
use crate::site::Site;
use crate::store::{self, Command, Fault, Reply};
use crate::time::{Span, Time};

/// When an alarm is tried again that could do nothing.
const LATER: Span = Span::from_secs(3600);

/// How soon after an alarm the next one may come.
const SOON: Span = Span::from_secs(60);

/// All sessions of one subject, or one anonymous session. `entry.js` wraps it in the platform's
/// class.
#[wasm_bindgen]
#[derive(Debug)]
pub struct SessionObject {
    storage: Storage,
    env: Env,
    has_table: Cell<bool>,
    /// The text that was last read or written, and what it says. What is stored is read for every
    /// command; reading the same text twice is not worth its time.
    known: RefCell<Option<(JsString, Record)>>,
}

#[wasm_bindgen]
impl SessionObject {
    /// An object with this storage.
    #[wasm_bindgen(constructor)]
    pub fn new(storage: Storage, env: Env) -> Self {
        Self { storage, env, has_table: Cell::default(), known: RefCell::default() }
    }

    /// Carries out a question, and gives the reply or the promise of it; null where there is none.
    pub fn ask(&self, question: &str) -> JsValue {
        let Ok(request) = serde_json::from_str(question) else {
            return JsValue::NULL;
        };
        let Ok((reply, written)) = self.carry_out(&request) else {
            return JsValue::NULL;
        };
        let reply = serde_json::to_string(&reply).map_or(JsValue::NULL, JsValue::from);
        let Some(written) = written else {
            return reply;
        };
        let replied = async { Ok(JsFuture::from(written).await.map_or(JsValue::NULL, |_| reply)) };
        future_to_promise(replied).into()
    }

    /// Deletes what has ended. Where that cannot be done now, the object asks to be woken later: the
    /// runtime gives up an alarm that has failed a few times, and what has ended would stay for good.
    pub fn alarm(&self) -> JsValue {
        let swept = match env::site(&self.env) {
            Ok(site) => self.sweep(&site).inspect_err(|_| {
                journal::write(&site.config, &[Event::store_fault(Fault::Failed)]);
            }),
            // Without a configuration nobody can tell what is over.
            Err(problems) => {
                journal::misconfigured(&problems);
                Err(JsValue::UNDEFINED)
            }
        };
        swept.unwrap_or_else(|_| Some(self.wake(env::now().plus(LATER)))).into()
    }
}

impl SessionObject {
    fn sweep(&self, site: &Site) -> Result<Option<Promise>, JsValue> {
        let policy = site.config.policy();
        let request = store::Request { owner: None, command: Command::Sweep, stamp: None, policy };
        self.carry_out(&request).map(|(_, written)| written)
    }

    /// The reply, and what the platform has yet to do, where it is more than rows.
    fn carry_out(&self, request: &store::Request) -> Result<(Reply, Option<Promise>), JsValue> {
        let stored = self.stored()?;
        let before = self.read(stored.as_ref())?;
        let now = env::now();
        let (alarm, soonest) = match request.command {
            // One that has rung is gone, and may have rung too early: not at once again, and again.
            Command::Sweep => (None, now.plus(SOON)),
            _ => (before.alarm, now),
        };
        let (after, reply) = store::apply(&before, request, now);
        let (record, text) = match after {
            None => (before, stored),
            Some(after) => {
                let text = after.write().map_err(|_| "a record that cannot be written")?;
                let Some(text) = text.map(JsString::from) else {
                    self.has_table.set(false);
                    return Ok((reply, stored.map(|_| self.storage.delete_all())));
                };
                bindings::store(&self.storage, self.has_table.get(), &text)?;
                (after, Some(text))
            }
        };
        let next = record.alarm.filter(|_| record.alarm != alarm);
        let waking = next.map(|at| self.wake(at.max(soonest)));
        self.known.replace(text.map(|text| (text, record)));
        Ok((reply, waking))
    }

    fn wake(&self, at: Time) -> Promise {
        // Milliseconds are far below 2^53.
        #[allow(clippy::cast_precision_loss)]
        let millis = at.millis() as f64;
        self.storage.set_alarm(millis)
    }

    fn stored(&self) -> Result<Option<JsString>, JsValue> {
        // `deleteAll` takes the table along and does not restart the object.
        if !self.has_table.get() {
            self.has_table.set(bindings::has_table(&self.storage)?);
        }
        if self.has_table.get() { bindings::stored(&self.storage) } else { Ok(None) }
    }

    fn read(&self, stored: Option<&JsString>) -> Result<Record, JsValue> {
        let Some(stored) = stored else {
            return Ok(Record::default());
        };
        match self.known.take() {
            Some((text, record)) if text == *stored => Ok(record),
            _ => Record::read(&String::from(stored)).ok_or("a record of another format".into()),
        }
    }
}
