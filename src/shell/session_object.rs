//! The Durable Object that holds all sessions of one subject, or one anonymous session.
//!
//! Guarantees: every command is read, decided and written inside one synchronous transaction, so
//! commands cannot interleave and a trap leaves the record as it was; a command that changes nothing
//! writes nothing; an object whose last session is gone deletes itself, alarm and all. Failures are
//! answered as data, for the runtime logs what is thrown.

use std::cell::Cell;

use worker::js_sys::Reflect;
use worker::wasm_bindgen::{self, JsCast, JsValue};
use worker::wasm_bindgen_futures::JsFuture;
use worker::{DurableObject, Env, Error, Request, Response, State, durable_object};

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

/// All sessions of one subject, or one anonymous session.
#[durable_object(alarm)]
#[derive(Debug)]
pub struct SessionObject {
    state: State,
    env: Env,
    has_table: Cell<bool>,
}

/// What is to be done to the storage after a transaction.
enum After {
    Nothing,
    Wake(Time),
    DeleteAll,
}

impl DurableObject for SessionObject {
    fn new(state: State, env: Env) -> Self {
        Self { state, env, has_table: Cell::new(false) }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        let text = request.text().await?;
        let Ok(request) = serde_json::from_str(&text) else {
            return Response::error("unreadable", 400);
        };
        match self.carry_out(&request).await {
            Ok(reply) => Response::ok(serde_json::to_string(&reply)?),
            Err(_) => Response::error("failed", 500),
        }
    }

    async fn alarm(&self) -> worker::Result<Response> {
        // Without a configuration nobody can tell what is over: the runtime comes back later.
        let site = env::site(&self.env).map_err(|_| Error::from("misconfigured"))?;
        let policy = site.config.policy();
        let request = store::Request { owner: None, command: Command::Sweep, stamp: None, policy };
        self.carry_out(&request).await.map_err(|_| Error::from("failed"))?;
        Response::empty()
    }
}

impl SessionObject {
    async fn carry_out(&self, request: &store::Request) -> Result<Reply, JsValue> {
        let storage = self.storage();
        let mut done = None;
        storage.transaction_sync(&mut || {
            done = Some(self.transact(&storage, request)?);
            Ok(())
        })?;
        let (reply, after) = done.ok_or(JsValue::UNDEFINED)?;
        match after {
            After::Nothing => {}
            After::Wake(at) => {
                // Milliseconds are far below 2^53.
                #[allow(clippy::cast_precision_loss)]
                let millis = at.millis() as f64;
                JsFuture::from(storage.set_alarm(millis)).await?;
            }
            After::DeleteAll => {
                self.has_table.set(false);
                JsFuture::from(storage.delete_all()).await?;
            }
        }
        Ok(reply)
    }

    fn transact(
        &self,
        storage: &Storage,
        request: &store::Request,
    ) -> Result<(Reply, After), JsValue> {
        let stored = self.read(storage)?;
        let before = match &stored {
            Some(text) => Record::read(text).ok_or("a record of another format")?,
            None => Record::default(),
        };
        let alarm = before.alarm;
        let (record, reply) = store::apply(before, request, env::now());
        let text = record.write().map_err(|_| "a record that cannot be written")?;
        if text == stored {
            return Ok((reply, After::Nothing));
        }
        let Some(text) = text else {
            return Ok((reply, After::DeleteAll));
        };
        let sql = storage.sql();
        if !self.has_table.get() {
            sql.exec(MAKE_TABLE)?;
        }
        sql.exec_with(WRITE, &text)?;
        let after = match record.alarm {
            Some(at) if record.alarm != alarm => After::Wake(at),
            _ => After::Nothing,
        };
        Ok((reply, after))
    }

    fn read(&self, storage: &Storage) -> Result<Option<String>, JsValue> {
        let sql = storage.sql();
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

    fn storage(&self) -> Storage {
        let raw: &JsValue = self.state.as_raw().as_ref();
        Reflect::get(raw, &"storage".into()).unwrap_or(JsValue::UNDEFINED).unchecked_into()
    }
}
