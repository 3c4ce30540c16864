//! The parts of the platform that the `worker` and `web-sys` crates have no binding for, or only one
//! that copies more than is needed.

use wasm_bindgen::prelude::*;
use worker::{js_sys, web_sys};

#[wasm_bindgen(module = "/src/shell/platform.js")]
extern "C" {
    /// Writes method, URL, and name and value of each header, a line each; gives the number of
    /// bytes, or one that would do where there are too few.
    #[wasm_bindgen(js_name = requestFacts, catch)]
    pub(super) fn request_facts(
        request: &web_sys::Request,
        into: &mut [u8],
    ) -> Result<usize, JsValue>;

    /// Writes status, and name and value of each header, a line each; gives the number of bytes, or
    /// one that would do where there are too few.
    #[wasm_bindgen(js_name = responseFacts, catch)]
    pub(super) fn response_facts(
        response: &web_sys::Response,
        into: &mut [u8],
    ) -> Result<usize, JsValue>;

    /// Sends a request on, changed; `then` is given the answer, or undefined.
    #[wasm_bindgen(catch)]
    pub(super) fn send(
        fetcher: &JsValue,
        request: &web_sys::Request,
        href: &str,
        origin: &str,
        changes: &str,
        no_store: bool,
        then: JsValue,
    ) -> Result<JsValue, JsValue>;

    /// A copy of a response, changed.
    #[wasm_bindgen(catch)]
    pub(super) fn changed(
        response: &web_sys::Response,
        changes: &str,
    ) -> Result<web_sys::Response, JsValue>;

    /// Asks the Durable Object of this name; `then` is given the reply, or what was thrown in its
    /// place: a `TimeoutError` after so many milliseconds.
    pub(super) fn ask(
        namespace: &JsValue,
        name: &str,
        question: &str,
        millis: u32,
        then: JsValue,
    ) -> js_sys::Promise;

    /// Whether a Durable Object has stored anything yet.
    #[wasm_bindgen(js_name = hasTable, catch)]
    pub(super) fn has_table(storage: &Storage) -> Result<bool, JsValue>;

    /// What a Durable Object that has its table has stored, if anything.
    #[wasm_bindgen(catch)]
    pub(super) fn stored(storage: &Storage) -> Result<Option<js_sys::JsString>, JsValue>;

    /// Stores this in the place of what is stored; makes the table first where there is none.
    #[wasm_bindgen(catch)]
    pub(super) fn store(
        storage: &Storage,
        has_table: bool,
        text: &js_sys::JsString,
    ) -> Result<(), JsValue>;

    /// A response of the gate's own.
    #[wasm_bindgen(catch)]
    pub(super) fn own(status: u16, changes: &str, body: &str)
    -> Result<web_sys::Response, JsValue>;
}

#[wasm_bindgen]
extern "C" {
    /// A KV namespace.
    pub(super) type KvNamespace;

    #[wasm_bindgen(method, js_name = get)]
    pub(super) fn get_all(
        this: &KvNamespace,
        keys: &js_sys::Array,
        options: &JsValue,
    ) -> js_sys::Promise;

    #[wasm_bindgen(method)]
    pub(super) fn list(this: &KvNamespace, options: &JsValue) -> js_sys::Promise;

    #[wasm_bindgen(method)]
    pub(super) fn put(
        this: &KvNamespace,
        key: &str,
        value: &str,
        options: &JsValue,
    ) -> js_sys::Promise;

    #[wasm_bindgen(method)]
    pub(super) fn delete(this: &KvNamespace, key: &str) -> js_sys::Promise;

    /// A Durable Object's storage.
    #[derive(Debug)]
    pub type Storage;

    #[wasm_bindgen(method, js_name = setAlarm)]
    pub(super) fn set_alarm(this: &Storage, millis: f64) -> js_sys::Promise;

    #[wasm_bindgen(method, js_name = deleteAll)]
    pub(super) fn delete_all(this: &Storage) -> js_sys::Promise;
}
