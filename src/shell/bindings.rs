//! The parts of the platform that the `worker` and `web-sys` crates have no binding for, or only one
//! that copies more than is needed.

use wasm_bindgen::prelude::*;
use worker::{js_sys, web_sys};

#[wasm_bindgen]
extern "C" {
    /// The URL Standard's parser.
    #[wasm_bindgen(js_name = URL)]
    pub(super) type Url;

    #[wasm_bindgen(constructor, catch, js_class = "URL")]
    pub(super) fn new(text: &str) -> Result<Url, JsValue>;

    #[wasm_bindgen(method, getter)]
    pub(super) fn href(this: &Url) -> String;

    /// Whatever answers `fetch`: a service binding or the stub of an object.
    pub(super) type Fetcher;

    #[wasm_bindgen(method, js_name = fetch)]
    pub(super) fn fetch_request(
        this: &Fetcher,
        request: &web_sys::Request,
        init: &web_sys::RequestInit,
    ) -> js_sys::Promise;

    #[wasm_bindgen(method, js_name = fetch)]
    pub(super) fn fetch_url(
        this: &Fetcher,
        url: &str,
        init: &web_sys::RequestInit,
    ) -> js_sys::Promise;

    /// A namespace of Durable Objects.
    pub(super) type Namespace;

    #[wasm_bindgen(method, catch, js_name = getByName)]
    pub(super) fn get_by_name(this: &Namespace, name: &str) -> Result<Fetcher, JsValue>;

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
    pub(super) type Storage;

    #[wasm_bindgen(method, catch, js_name = transactionSync)]
    pub(super) fn transaction_sync(
        this: &Storage,
        body: &mut dyn FnMut() -> Result<(), JsValue>,
    ) -> Result<(), JsValue>;

    #[wasm_bindgen(method, getter)]
    pub(super) fn sql(this: &Storage) -> Sql;

    #[wasm_bindgen(method, js_name = setAlarm)]
    pub(super) fn set_alarm(this: &Storage, millis: f64) -> js_sys::Promise;

    #[wasm_bindgen(method, js_name = deleteAll)]
    pub(super) fn delete_all(this: &Storage) -> js_sys::Promise;

    /// A Durable Object's SQL database.
    pub(super) type Sql;

    #[wasm_bindgen(method, catch)]
    pub(super) fn exec(this: &Sql, query: &str) -> Result<Cursor, JsValue>;

    #[wasm_bindgen(method, catch, js_name = exec)]
    pub(super) fn exec_with(this: &Sql, query: &str, value: &str) -> Result<Cursor, JsValue>;

    /// The rows of an answer.
    pub(super) type Cursor;

    #[wasm_bindgen(method, js_name = toArray)]
    pub(super) fn to_array(this: &Cursor) -> js_sys::Array;

    /// Headers, with what `web-sys` leaves out.
    #[wasm_bindgen(extends = web_sys::Headers)]
    pub(super) type Headers;

    #[wasm_bindgen(method, js_name = getSetCookie)]
    pub(super) fn get_set_cookie(this: &Headers) -> js_sys::Array;
}
