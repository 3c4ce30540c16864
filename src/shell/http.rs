//! Between the platform's requests and responses and the core's facts and verdicts.
//!
//! Guarantees: bodies are handed over as the streams that they are; a response that needs no edit is
//! returned as the very object that the origin's answer is. Facts and changes travel as one text
//! each (`platform.js`): calls between Wasm and JavaScript are what a request costs most.

use std::cell::RefCell;
use std::iter::from_fn;
use std::str::Split;

use worker::js_sys::{Reflect, Uint8Array};
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys::{ReadableStreamDefaultReader, Request, Response};

use super::bindings;
use crate::request::Facts;
use crate::verdict::{Answer, Edits, ResponseFacts};

/// As many bytes as the heads of most requests and responses have; it grows with longer ones.
const PAGE: usize = 8 * 1024;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; PAGE]);
}

/// Reads what the platform writes into a buffer.
fn written<T>(
    mut write: impl FnMut(&mut [u8]) -> Result<usize, JsValue>,
    read: impl FnOnce(&mut Split<'_, char>) -> T,
) -> Result<T, JsValue> {
    BUFFER.with_borrow_mut(|buffer| {
        let mut length = write(buffer)?;
        if length > buffer.len() {
            buffer.resize(length, 0);
            length = write(buffer)?;
        }
        let text = buffer.get(..length).and_then(|bytes| str::from_utf8(bytes).ok());
        Ok(read(&mut text.ok_or("no text")?.split('\n')))
    })
}

/// Name and value of each header that is left.
fn headers<'text>(
    lines: &mut Split<'text, char>,
) -> impl Iterator<Item = (&'text str, &'text str)> {
    from_fn(|| Some((lines.next()?, lines.next()?)))
}

/// Everything about a request that decisions depend on.
pub(super) fn facts(request: &Request) -> Result<Facts, JsValue> {
    written(
        |into| bindings::request_facts(request, into),
        |lines| {
            let mut facts = Facts {
                method: lines.next().unwrap_or_default().to_owned(),
                // What does not parse is no URL: the core turns it away.
                href: lines.next().unwrap_or_default().to_owned(),
                ..Facts::default()
            };
            for (name, value) in headers(lines) {
                facts.take(name, value);
            }
            facts
        },
    )
}

/// Everything about a response that decisions depend on.
pub(super) fn response_facts(response: &Response) -> Result<ResponseFacts, JsValue> {
    written(
        |into| bindings::response_facts(response, into),
        |lines| {
            let status = lines.next().and_then(|status| status.parse().ok());
            let mut facts =
                ResponseFacts { status: status.unwrap_or_default(), ..Default::default() };
            for (name, value) in headers(lines) {
                facts.take(name, value);
            }
            facts
        },
    )
}

/// A response of the gate's own.
pub(super) fn own(answer: &Answer) -> Result<JsValue, JsValue> {
    let mut changes = Changes::default();
    for (name, value) in &answer.headers {
        changes.set(name, value);
    }
    for cookie in &answer.cookies {
        changes.add("set-cookie", cookie.expose());
    }
    bindings::own(answer.status, &changes.0, &answer.body).map(JsValue::from)
}

/// The origin's response, edited.
pub(super) fn edited(response: Response, edits: &Edits) -> Result<JsValue, JsValue> {
    if edits.is_empty() {
        return Ok(response.into());
    }
    let mut changes = Changes::default();
    for name in &edits.remove {
        changes.remove(name);
    }
    for (name, value) in &edits.set {
        changes.set(name, value);
    }
    for (name, value) in &edits.append {
        changes.add(name, value);
    }
    if let Some(kept) = &edits.kept_cookies {
        changes.remove("set-cookie");
        for cookie in kept {
            changes.add("set-cookie", cookie);
        }
    }
    for cookie in &edits.cookies {
        changes.add("set-cookie", cookie.expose());
    }
    bindings::changed(&response, &changes.0).map(JsValue::from)
}

/// Changes to headers, as `platform.js` reads them.
pub(super) struct Changes(String);

impl Default for Changes {
    /// None yet, and room for those that a request needs.
    fn default() -> Self {
        Self(String::with_capacity(1024))
    }
}

impl Changes {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.push("-", name, "");
    }

    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.push("=", name, value);
    }

    fn add(&mut self, name: &str, value: &str) {
        self.push("+", name, value);
    }

    fn push(&mut self, operation: &str, name: &str, value: &str) {
        // Neither holds a line feed: they are of the platform's headers, or the core's own.
        for part in [operation, name, value] {
            if !self.0.is_empty() {
                self.0.push('\n');
            }
            self.0.push_str(part);
        }
    }
}

/// A body that is read here; `None` when it is longer than `longest` bytes, or breaks off. One that
/// is no text reads as an empty one.
pub(super) async fn short_body(request: &Request, longest: usize) -> Option<String> {
    let mut bytes = Vec::new();
    if let Some(body) = request.body() {
        let reader: ReadableStreamDefaultReader = body.get_reader().dyn_into().ok()?;
        loop {
            let read = JsFuture::from(reader.read()).await.ok()?;
            if Reflect::get(&read, &"done".into()).ok()?.is_truthy() {
                break;
            }
            let chunk: Uint8Array = Reflect::get(&read, &"value".into()).ok()?.dyn_into().ok()?;
            let length = usize::try_from(chunk.length()).ok()?;
            if bytes.len().saturating_add(length) > longest {
                return None;
            }
            bytes.extend(chunk.to_vec());
        }
    }
    // What is no text is no message either, and is refused as one that does not verify.
    Some(String::from_utf8(bytes).unwrap_or_default())
}
