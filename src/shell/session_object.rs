//! The Durable Object that holds all sessions of one subject, or one anonymous session.
//!
//! Guarantees: every command is read, decided and written without a pause, and written in one
//! transaction, so commands cannot interleave and a trap leaves the record as it was; a command that
//! changes nothing writes nothing; an object whose last session is gone deletes itself, alarm and all.
//! Failures are answered as data, for the runtime logs what is thrown.

use std::cell::{Cell, RefCell};

use wasm_bindgen::prelude::*;
use worker::js_sys::{JsString, Promise};
use worker::wasm_bindgen_futures::{JsFuture, future_to_promise};
use worker::{Env, wasm_bindgen};

use super::bindings::{self, Storage};
use super::env;
use crate::record::Record;
use crate::store::{self, Command, Reply};
use crate::time::Time;

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

    /// Deletes what has ended.
    ///
    /// # Errors
    /// Where it could not be done: the runtime comes back later.
    pub fn alarm(&self) -> Result<JsValue, JsValue> {
        // Without a configuration nobody can tell what is over.
        let site = env::site(&self.env).map_err(|_| "misconfigured")?;
        let policy = site.config.policy();
        let request = store::Request { owner: None, command: Command::Sweep, stamp: None, policy };
        let (_, written) = self.carry_out(&request)?;
        Ok(written.into())
    }
}

impl SessionObject {
    /// The reply, and what the platform has yet to do, where it is more than rows.
    fn carry_out(&self, request: &store::Request) -> Result<(Reply, Option<Promise>), JsValue> {
        let stored = self.stored()?;
        let before = self.read(stored.as_ref())?;
        // One that has rung is gone, and may have rung a moment too early.
        let alarm = before.alarm.filter(|_| request.command != Command::Sweep);
        let (after, reply) = store::apply(&before, request, env::now());
        let (record, text) = match after {
            None => (before, stored),
            Some(after) => {
                let text = after.write().map_err(|_| "a record that cannot be written")?;
                let Some(text) = text.map(JsString::from) else {
                    self.has_table.set(false);
                    return Ok((reply, stored.map(|_| self.storage.delete_all())));
                };
                bindings::store(&self.storage, &text)?;
                (after, Some(text))
            }
        };
        let waking = record.alarm.filter(|_| record.alarm != alarm).map(|at| self.wake(at));
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
