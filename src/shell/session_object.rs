//! The Durable Object that holds all sessions of one subject, or one anonymous session.
//!
//! Guarantees: every command is read, decided and written inside one synchronous transaction, so
//! commands cannot interleave and a trap leaves the record as it was; a command that changes nothing
//! writes nothing; an object whose last session is gone deletes itself, alarm and all. Failures are
//! answered as data, for the runtime logs what is thrown.

use std::cell::Cell;

use wasm_bindgen::prelude::*;
use worker::js_sys::{Promise, Reflect};
use worker::wasm_bindgen_futures::{JsFuture, future_to_promise};
use worker::{Env, wasm_bindgen};

use super::bindings::Storage;
use super::env;
use crate::record::Record;
use crate::store::{self, Command, Reply};
use crate::time::Time;

const MAKE_TABLE: &str =
    "CREATE TABLE IF NOT EXISTS record (id INTEGER PRIMARY KEY CHECK (id = 0), body TEXT NOT NULL)";
const HAS_TABLE: &str = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'record'";
const READ: &str = "SELECT body FROM record";
const WRITE: &str = "INSERT INTO record (id, body) VALUES (0, ?) \
                     ON CONFLICT (id) DO UPDATE SET body = excluded.body";

/// All sessions of one subject, or one anonymous session. `entry.js` wraps it in the platform's
/// class.
#[wasm_bindgen]
#[derive(Debug)]
pub struct SessionObject {
    storage: Storage,
    env: Env,
    has_table: Cell<bool>,
}

/// What is to be done to the storage after a transaction.
enum After {
    Nothing,
    Wake(Time),
    DeleteAll,
}

#[wasm_bindgen]
impl SessionObject {
    /// An object with this storage.
    #[wasm_bindgen(constructor)]
    pub fn new(storage: Storage, env: Env) -> Self {
        Self { storage, env, has_table: Cell::new(false) }
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
        let mut done = None;
        self.storage.transaction_sync(&mut || {
            done = Some(self.transact(request)?);
            Ok(())
        })?;
        let (reply, after) = done.ok_or(JsValue::UNDEFINED)?;
        let written = match after {
            After::Nothing => None,
            // Milliseconds are far below 2^53.
            #[allow(clippy::cast_precision_loss)]
            After::Wake(at) => Some(self.storage.set_alarm(at.millis() as f64)),
            After::DeleteAll => {
                self.has_table.set(false);
                Some(self.storage.delete_all())
            }
        };
        Ok((reply, written))
    }

    fn transact(&self, request: &store::Request) -> Result<(Reply, After), JsValue> {
        let stored = self.read()?;
        let before = match &stored {
            Some(text) => Record::read(text).ok_or("a record of another format")?,
            None => Record::default(),
        };
        // Whoever sweeps was woken by the alarm that the record speaks of: it is no longer set. It can
        // go off a moment early by this clock, and what was to be cleared then has to wait for another.
        let is_woken = matches!(request.command, Command::Sweep);
        let set = before.alarm.filter(|_| !is_woken);
        let (record, reply) = store::apply(before, request, env::now());
        let after = match record.alarm {
            Some(at) if record.alarm != set => After::Wake(at),
            _ => After::Nothing,
        };
        let text = record.write().map_err(|_| "a record that cannot be written")?;
        if text == stored {
            return Ok((reply, after));
        }
        let Some(text) = text else {
            return Ok((reply, After::DeleteAll));
        };
        let sql = self.storage.sql();
        if !self.has_table.get() {
            sql.exec(MAKE_TABLE)?;
        }
        sql.exec_with(WRITE, &text)?;
        Ok((reply, after))
    }

    fn read(&self) -> Result<Option<String>, JsValue> {
        let sql = self.storage.sql();
        // `deleteAll` takes the table along and does not restart the object.
        if !self.has_table.get() {
            if sql.exec(HAS_TABLE)?.to_array().length() == 0 {
                return Ok(None);
            }
            self.has_table.set(true);
        }
        let row = sql.exec(READ)?.to_array().get(0);
        if row.is_undefined() {
            return Ok(None);
        }
        Ok(Reflect::get(&row, &"body".into())?.as_string())
    }
}
