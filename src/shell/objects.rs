//! Asking the Durable Objects.
//!
//! Guarantees: every call ends by the deadline, whatever the object does; what an object that did
//! not answer has done is unknown and treated so; nothing is tried again here.

use worker::Env;
use worker::js_sys::Reflect;
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys::{AbortSignal, RequestInit, Response};

use super::bindings::Namespace;
use super::env;
use crate::store::{Fault, Reply};
use crate::time::Span;
use crate::verdict::Call;

/// The binding of the objects' namespace.
pub(super) const BINDING: &str = "SESSIONS";

/// Asks the object that a call is for.
pub(super) async fn fetch(env: &Env, call: &Call, deadline: Span) -> Result<Reply, Fault> {
    let body = serde_json::to_string(&call.request).map_err(|_| Fault::Failed)?;
    let namespace: Namespace = env::binding(env, BINDING).ok_or(Fault::Failed)?.unchecked_into();
    let stub = namespace.get_by_name(&call.locator.object_name()).map_err(|error| fault(&error))?;
    let millis = u32::try_from(deadline.millis()).unwrap_or(u32::MAX);
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_body(&body.into());
    init.set_signal(Some(&AbortSignal::timeout_with_u32(millis)));
    let response = JsFuture::from(stub.fetch_url("https://sessions/", &init)).await;
    let response: Response = response.map_err(|error| fault(&error))?.unchecked_into();
    if response.status() != 200 {
        return Err(Fault::Failed);
    }
    let text = response.text().map_err(|error| fault(&error))?;
    let text = JsFuture::from(text).await.map_err(|error| fault(&error))?;
    let text = text.as_string().ok_or(Fault::Unreadable)?;
    serde_json::from_str(&text).map_err(|_| Fault::Unreadable)
}

fn fault(error: &JsValue) -> Fault {
    let member = |name: &str| Reflect::get(error, &name.into()).unwrap_or(JsValue::UNDEFINED);
    if member("overloaded").is_truthy() {
        Fault::Overloaded
    } else if member("name").as_string().as_deref() == Some("TimeoutError") {
        Fault::Deadline
    } else {
        Fault::Failed
    }
}
