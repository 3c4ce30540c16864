//! Between the platform's requests and responses and the core's facts and verdicts.
//!
//! Guarantees: bodies are handed over as the streams that they are; a response that needs no edit is
//! returned as the very object that the origin's answer is.

use worker::js_sys::{Array, Reflect, Uint8Array};
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys::{self, ReadableStreamDefaultReader, Request, Response, ResponseInit};

use super::Responded;
use super::bindings::{Headers, Url};
use crate::request::Facts;
use crate::verdict::{Answer, Edits, ResponseFacts};

/// Everything about a request that decisions depend on.
pub(super) fn facts(request: &Request) -> Facts {
    let headers = request.headers();
    let header_names = names(&headers);
    let get = |name: &str| {
        // Asking only for what is there saves a call into the platform for each header that is not.
        let is_there = header_names.iter().any(|header| header.eq_ignore_ascii_case(name));
        if is_there { headers.get(name).ok().flatten() } else { None }
    };
    Facts {
        method: request.method(),
        // What does not parse is no URL: the core turns it away.
        href: Url::new(&request.url()).map(|url| url.href()).unwrap_or_default(),
        host: get("host"),
        cookie: get("cookie"),
        origin: get("origin"),
        fetch_site: get("sec-fetch-site"),
        fetch_mode: get("sec-fetch-mode"),
        fetch_dest: get("sec-fetch-dest"),
        purpose: get("sec-purpose"),
        accept: get("accept"),
        content_length: get("content-length"),
        client_ip: get("cf-connecting-ip"),
        header_names,
    }
}

/// Everything about a response that decisions depend on.
pub(super) fn response_facts(response: &Response) -> ResponseFacts {
    let headers = response.headers();
    let header_names = names(&headers);
    let has = |name: &str| header_names.iter().any(|header| header.eq_ignore_ascii_case(name));
    let get = |name: &str| {
        if has(name) { headers.get(name).ok().flatten() } else { None }
    };
    let set_cookies = if has("set-cookie") {
        let all = headers.unchecked_ref::<Headers>().get_set_cookie();
        all.iter().filter_map(|value| value.as_string()).collect()
    } else {
        Vec::new()
    };
    let cdn: Vec<String> = header_names
        .iter()
        .filter(|name| crate::gate::is_for_shared_caches(name))
        .filter_map(|name| headers.get(name).ok().flatten())
        .collect();
    ResponseFacts {
        status: response.status(),
        control: get("edge-session-control"),
        cache_control: get("cache-control"),
        cdn_cache_control: (!cdn.is_empty()).then(|| cdn.join(",")),
        set_cookies,
        header_names,
    }
}

/// A response of the gate's own.
pub(super) fn own(answer: &Answer) -> Responded {
    let headers = web_sys::Headers::new()?;
    for (name, value) in &answer.headers {
        headers.set(name, value)?;
    }
    for cookie in &answer.cookies {
        headers.append("set-cookie", cookie.expose())?;
    }
    let init = ResponseInit::new();
    init.set_status(answer.status);
    init.set_headers(&headers);
    let body = (!answer.body.is_empty()).then_some(answer.body.as_str());
    Ok(Response::new_with_opt_str_and_init(body, &init)?)
}

/// The origin's response, edited.
pub(super) fn edited(response: Response, edits: &Edits) -> Responded {
    if edits.is_empty() {
        return Ok(response);
    }
    // A fetched response cannot be changed. A copy can; it keeps status text, socket and all.
    let body = response.body();
    let init: &ResponseInit = response.unchecked_ref();
    let copy = Response::new_with_opt_readable_stream_and_init(body.as_ref(), init)?;
    let headers = copy.headers();
    for name in &edits.remove {
        headers.delete(name)?;
    }
    for (name, value) in &edits.set {
        headers.set(name, value)?;
    }
    for (name, value) in &edits.append {
        headers.append(name, value)?;
    }
    if let Some(kept) = &edits.kept_cookies {
        headers.delete("set-cookie")?;
        for cookie in kept {
            headers.append("set-cookie", cookie)?;
        }
    }
    for cookie in &edits.cookies {
        headers.append("set-cookie", cookie.expose())?;
    }
    Ok(copy)
}

/// A body that is read here, of at most `longest` bytes; nothing when it is longer or no text.
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
    // A text that is none is no message either, and is refused as one that does not verify.
    Some(String::from_utf8(bytes).unwrap_or_default())
}

fn names(headers: &web_sys::Headers) -> Vec<String> {
    // One text instead of one call into the platform for each name; names hold no line feed.
    let list: JsValue = headers.keys().into();
    let names = Array::from(&list).join("\n").as_string().unwrap_or_default();
    names.split('\n').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}
