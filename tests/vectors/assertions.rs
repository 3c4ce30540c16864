//! Assertions: what the core states, what forgers make of it, and a careful origin that shares no code
//! with the core but the crates below it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use edge_session::assertion::{self, Terms};
use edge_session::data::Data;
use edge_session::jws::OriginKeys;
use edge_session::keys::KeyList;
use edge_session::sid::Sid;
use edge_session::subject::Subject;
use edge_session::time::{Span, Time};
use edge_session::view::View;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::material::{
    ASSERTION, AUDIENCE, CONTROL, ISSUER, NEW, NOW, OLD, STRANGE, keys, master, signed, unsigned,
};

fn session(subject: Option<&str>, data: &Value) -> View {
    let at = |seconds: u64| Time::from_secs(seconds);
    View {
        root: Sid::from_entropy(&[1; 16]),
        sid: Sid::from_entropy(&[2; 16]),
        subject: subject.map(|text| Subject::parse(text).unwrap()),
        created: at(NOW - 600),
        idle: at(NOW + 1200),
        absolute: at(NOW + 42_600),
        touch_due: at(NOW + 30),
        auth_time: subject.map(|_| NOW - 600),
        amr: None,
        remember: false,
        data: Data::parse(data.as_object().unwrap().clone()).unwrap(),
        issued: at(NOW - 600),
        generation: 0,
        succeeded: None,
        checked: at(NOW - 1),
    }
}

fn stated(keys: &OriginKeys, view: Option<&View>) -> String {
    let terms = Terms { issuer: ISSUER, audience: AUDIENCE, ttl: Span::from_secs(60) };
    let jti = Sid::from_entropy(&[3; 16]);
    let token = assertion::state(keys, &terms, &jti, view, Time::from_secs(NOW));
    token.expose().to_owned()
}

fn payload_of(token: &str) -> String {
    let part = token.split('.').nth(1).unwrap();
    String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// The payload of the usual assertion with other members; `null` removes one.
fn payload_with(members: &Value) -> String {
    let usual = payload_of(&stated(&keys(), Some(&usual())));
    let mut claims: Value = serde_json::from_str(&usual).unwrap();
    for (name, value) in members.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    claims.to_string()
}

fn usual() -> View {
    session(Some("user-17"), &json!({ "cart": 3, "theme": "dark" }))
}

fn example(name: &str, token: &str, now: u64) -> Value {
    match judge(token, now) {
        Some(claims) => {
            json!({ "name": name, "token": token, "now": now, "accept": true, "claims": claims })
        }
        None => json!({ "name": name, "token": token, "now": now, "accept": false }),
    }
}

pub(crate) fn all() -> Vec<Value> {
    let mut all = good();
    all.extend(bad());
    all
}

fn good() -> Vec<Value> {
    let state = |view: &View| stated(&keys(), Some(view));
    let older = OriginKeys::new(&KeyList::of(vec![master(OLD)]).unwrap());
    let anonymous = session(None, &json!({ "flash": { "info": ["Hello"] } }));
    let mut methods = usual();
    methods.amr = Some(vec!["pwd".to_owned(), "otp".to_owned()]);
    let escapes = json!({ "text": "a \"quoted\" \\ back\u{8}\u{c}\n\r\t\u{1}\u{7f}/</script>" });
    let letters = json!({ "größe": "Straße", "日本": "語", "smile": "😀", "rtl": "שלום" });
    let nothing = json!({ "a": null, "b": [null], "c": {}, "d": [], "e": "" });
    let numbers = json!({ "zero": 0, "negative": -1, "half": 0.5, "safe": 9_007_199_254_740_991_i64, "tiny": 1e-7 });
    let deep = json!({ "a": [[[[[[[[[[[[[[1]]]]]]]]]]]]]] });
    let large = json!({ "text": "ü".repeat(1018) });
    let extra = payload_with(&json!({ "future_claim": { "of": "a later version" } }));
    let data = |value: &Value| state(&session(Some("user-17"), value));
    let who = |subject: &str| state(&session(Some(subject), &json!({})));
    vec![
        example("a user", &state(&usual()), NOW),
        example("nobody", &stated(&keys(), None), NOW),
        example("an anonymous session", &state(&anonymous), NOW),
        example("a user without data", &data(&json!({})), NOW),
        example("how the user authenticated", &state(&methods), NOW),
        example("under the older key", &stated(&older, Some(&usual())), NOW),
        example("escaped characters", &data(&escapes), NOW),
        example("characters beyond ASCII", &data(&letters), NOW),
        example("null and empty values", &data(&nothing), NOW),
        example("numbers", &data(&numbers), NOW),
        example("sixteen levels", &data(&deep), NOW),
        example("two KiB of data", &data(&large), NOW),
        example("a subject beyond ASCII", &who("jürgen@例え.example"), NOW),
        example("the longest subject", &who(&"é".repeat(255)), NOW),
        example("a subject that is a number", &who("0017"), NOW),
        example("a claim of a later version", &signed(&NEW.1, ASSERTION, &extra), NOW),
        example("the origin's clock 30 s behind", &state(&usual()), NOW - 30),
        example("the origin's clock 60 s behind", &state(&usual()), NOW - 60),
        example("the origin's clock 30 s ahead", &state(&usual()), NOW + 30),
        example("expired less than 60 s ago", &state(&usual()), NOW + 119),
    ]
}

fn bad() -> Vec<Value> {
    let token = stated(&keys(), Some(&usual()));
    let payload = payload_of(&token);
    let claims = |members: &Value| signed(&NEW.1, ASSERTION, &payload_with(members));
    let header = |text: &str| signed(&NEW.1, text, &payload);
    let typ = r#""typ":"edge-session-assertion+jwt""#;
    let none = unsigned(&format!(r#"{{"alg":"none",{typ},"kid":"k2"}}"#), &payload);
    let (two_parts, tag) = token.rsplit_once('.').unwrap();
    let altered = payload.replacen("user-17", "user-18", 1);
    let mut cases = vec![
        ("expired 60 s ago", token.clone(), NOW + 120),
        ("issued 61 s in the future", token.clone(), NOW - 61),
    ];
    let mut now = |name, token| cases.push((name, token, NOW));
    now("wrong key", signed(&STRANGE, ASSERTION, &payload));
    now("the older key under the newer kid", signed(&OLD.1, ASSERTION, &payload));
    now("alg none without a signature", format!("{none}."));
    now("alg none with a signature", format!("{none}.{tag}"));
    now("alg in lower case", header(&format!(r#"{{"alg":"hs256",{typ},"kid":"k2"}}"#)));
    now("another alg", header(&format!(r#"{{"alg":"HS512",{typ},"kid":"k2"}}"#)));
    now("an asymmetric alg", header(&format!(r#"{{"alg":"RS256",{typ},"kid":"k2"}}"#)));
    now("a control's typ", header(CONTROL));
    now("typ JWT", header(r#"{"alg":"HS256","typ":"JWT","kid":"k2"}"#));
    now("typ in other letters", header(&ASSERTION.replace("edge", "Edge")));
    now("typ as a whole media type", header(&ASSERTION.replace("edge", "application/edge")));
    now("no typ", header(r#"{"alg":"HS256","kid":"k2"}"#));
    now("unknown kid", header(&format!(r#"{{"alg":"HS256",{typ},"kid":"k3"}}"#)));
    now("no kid", header(&format!(r#"{{"alg":"HS256",{typ}}}"#)));
    now("a kid that is no text", header(&format!(r#"{{"alg":"HS256",{typ},"kid":2}}"#)));
    now(
        "a kid like an object's own member",
        header(&format!(r#"{{"alg":"HS256",{typ},"kid":"__proto__"}}"#)),
    );
    now(
        "a crit header",
        header(&format!(r#"{{"alg":"HS256",{typ},"kid":"k2","crit":["exp"],"exp":1}}"#)),
    );
    now(
        "a key in the header",
        header(&format!(r#"{{"alg":"HS256",{typ},"kid":"k2","jwk":{{"kty":"oct","k":"AA"}}}}"#)),
    );
    now(
        "a further header member",
        header(&format!(r#"{{"alg":"HS256",{typ},"kid":"k2","cty":"x"}}"#)),
    );
    now("wrong aud", claims(&json!({ "aud": "another" })));
    now("aud in other letters", claims(&json!({ "aud": "Origin" })));
    now("aud in a list", claims(&json!({ "aud": [AUDIENCE] })));
    now("no aud", claims(&json!({ "aud": null })));
    now("wrong iss", claims(&json!({ "iss": "https://evil.example" })));
    now("iss with a slash", claims(&json!({ "iss": format!("{ISSUER}/") })));
    now("no iss", claims(&json!({ "iss": null })));
    now("no exp", claims(&json!({ "exp": null })));
    now("an exp that is a text", claims(&json!({ "exp": "1800000060" })));
    now("an exp with a fraction", claims(&json!({ "exp": 1_800_000_060.5 })));
    let endless = payload.replacen(&format!("\"exp\":{}", NOW + 60), "\"exp\":1e400", 1);
    assert_ne!(endless, payload);
    now("an exp beyond all numbers", signed(&NEW.1, ASSERTION, &endless));
    now("an iat with a fraction", claims(&json!({ "iat": 1_800_000_000.5 })));
    now("an iat that is a text", claims(&json!({ "iat": NOW.to_string() })));
    now("no iat", claims(&json!({ "iat": null })));
    now("no jti", claims(&json!({ "jti": null })));
    now("an empty jti", claims(&json!({ "jti": "" })));
    now("a jti that is a number", claims(&json!({ "jti": 7 })));
    now("an empty sub", claims(&json!({ "sub": "" })));
    now("a sub that is a number", claims(&json!({ "sub": 17 })));
    now("a sub in a list", claims(&json!({ "sub": ["user-17"] })));
    now("an empty sid", claims(&json!({ "sid": "" })));
    now("a sid that is a number", claims(&json!({ "sid": 7 })));
    let of_nothing = payload.replacen("\"sid\":\"", "\"sid\":null,\"was\":\"", 1);
    now("a sid that is null", signed(&NEW.1, ASSERTION, &of_nothing));
    now("a sub without a session", claims(&json!({ "sid": null, "session": null, "data": null })));
    now("data without a session", claims(&json!({ "sub": null, "sid": null, "session": null })));
    now("a session without data", claims(&json!({ "data": null })));
    now("data that is a list", claims(&json!({ "data": [3] })));
    now("data that is a text", claims(&json!({ "data": "cart" })));
    now("an altered payload", format!("{}.{tag}", unsigned(ASSERTION, &altered)));
    now("no signature", format!("{two_parts}."));
    now("a shortened signature", token[..token.len() - 4].to_owned());
    now("two parts", two_parts.to_owned());
    now("four parts", format!("{token}.{tag}"));
    now("a padded signature", format!("{token}="));
    now("a payload that is a list", signed(&NEW.1, ASSERTION, "[]"));
    now("a payload that is no JSON", signed(&NEW.1, ASSERTION, "{"));
    now("an empty text", String::new());
    let example = |(name, token, at): &(&str, String, u64)| {
        let example = example(name, token, *at);
        assert_eq!(example["accept"], false, "{name}");
        example
    };
    cases.iter().map(example).collect()
}

/// The claims of an assertion that this careful origin takes.
pub(crate) fn judge(token: &str, now: u64) -> Option<Value> {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, tag] = parts[..] else {
        return None;
    };
    let bytes = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
    let json = |part: &str| -> Option<Value> { serde_json::from_slice(&bytes(part)?).ok() };
    let members = json(header)?;
    let (_, key) = [NEW, OLD].into_iter().find(|(id, _)| members["kid"] == *id)?;
    let expected =
        json!({ "alg": "HS256", "typ": "edge-session-assertion+jwt", "kid": members["kid"] });
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{header}.{payload}").as_bytes());
    if members != expected || mac.verify_slice(&bytes(tag)?).is_err() {
        return None;
    }
    let claims = json(payload)?;
    let (issued, expires) = (claims["iat"].as_u64()?, claims["exp"].as_u64()?);
    let is_text = |name: &str| claims[name].as_str().is_some_and(|text| !text.is_empty());
    let has = |name: &str| claims.get(name).is_some();
    let session = if has("sid") {
        is_text("sid") && (!has("sub") || is_text("sub")) && claims["data"].is_object()
    } else {
        !has("sub") && !has("data")
    };
    let good = claims["iss"] == ISSUER
        && claims["aud"] == AUDIENCE
        && is_text("jti")
        && session
        && issued <= now + 60
        && now < expires + 60;
    good.then_some(claims)
}
