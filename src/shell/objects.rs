//! Asking the Durable Objects.
//!
//! Guarantees: every call ends by the deadline, whatever the object does; what an object that did
//! not answer has done is unknown and treated so; nothing is tried again here.

use worker::Env;
use worker::js_sys::Reflect;
use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen_futures::JsFuture;

use super::{bindings, env};
use crate::store::{Fault, Reply};
use crate::time::Span;
use crate::verdict::Call;

/// The binding of the objects' namespace.
pub(super) const BINDING: &str = "SESSIONS";

/// Asks the object that a call is for.
pub(super) async fn ask(env: &Env, call: &Call, deadline: Span) -> Result<Reply, Fault> {
    let question = serde_json::to_string(&call.request).map_err(|_| Fault::Failed)?;
    let namespace = env::binding(env, BINDING).ok_or(Fault::Failed)?;
    let millis = u32::try_from(deadline.millis()).unwrap_or(u32::MAX);
    let asked = bindings::ask(&namespace, &call.locator.object_name(), &question, millis);
    let reply = JsFuture::from(asked).await.map_err(|error| fault(&error))?;
    let text = reply.as_string().ok_or(Fault::Failed)?;
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
