//! edge-session: a Cloudflare Worker that keeps the sessions of the web application behind it.
//!
//! A functional core in an imperative shell. Every module here but `shell` is pure: it reads no
//! clock, draws no randomness and does no I/O; time and entropy are arguments. Two tools keep it so:
//! the compiler, because the `worker` crate is a dependency of the wasm32 target alone, and clippy,
//! which refuses the standard library's clocks.
//!
//! Where to look:
//! - a request's way: [`gate`] (decisions), [`request`] (facts), [`verdict`] (outcomes), with what
//!   the [`site`] is set to;
//! - what the browser holds: [`token`], [`cookie`], [`mark`];
//! - what the origin reads and writes: [`assertion`], [`control`], over [`jws`];
//! - what the store keeps and decides: [`record`], [`mod@store`], [`lifetime`], [`rotation`], where
//!   ([`locator`]), and what it shows ([`view`]); [`kv`] is the same on Workers KV;
//! - what an isolate remembers of that: [`memory`];
//! - who may send what where: [`csrf`], [`path`], [`target`], [`origin`];
//! - what the operator sets and sees: [`config`], [`keys`], [`error`], [`event`];
//! - values of their own type: [`subject`], [`sid`], [`data`], [`time`], and what is under all of it:
//!   [`mac`], [`base64url`], [`ijson`].

pub mod assertion;
pub mod base64url;
pub mod config;
pub mod control;
pub mod cookie;
pub mod csrf;
pub mod data;
pub mod error;
pub mod event;
pub mod gate;
pub mod ijson;
pub mod jws;
pub mod keys;
pub mod kv;
pub mod lifetime;
pub mod locator;
pub mod mac;
pub mod mark;
pub mod memory;
pub mod origin;
pub mod path;
pub mod record;
pub mod request;
pub mod rotation;
pub mod sid;
pub mod site;
pub mod store;
pub mod subject;
pub mod target;
pub mod time;
pub mod token;
pub mod verdict;
pub mod view;

#[cfg(target_arch = "wasm32")]
mod shell;
