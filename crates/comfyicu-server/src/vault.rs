//! The tokens that come with runs: kept in memory until the run has ended, and never written down.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use comfyicu_engine::Secrets;
use comfyicu_model::RunId;
use comfyicu_model::json::{Object, Value};

/// What ComfyUI's nodes for paid services look for in `extra_data`.
const TOKENS: [&str; 2] = ["auth_token_comfy_org", "api_key_comfy_org"];

/// The tokens of the runs that have not ended. Clones share them. After a restart they are gone, and their runs end
/// with an error that says so.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vault(Arc<Mutex<HashMap<RunId, Secrets>>>);

impl Vault {
    /// Keeps the tokens of a run.
    pub(crate) fn keep(&self, run_id: &RunId, tokens: Object) {
        if !tokens.is_empty() {
            self.lock().insert(run_id.clone(), Secrets::new(tokens));
        }
    }

    /// The tokens of a run.
    pub(crate) fn of(&self, run_id: &RunId) -> Secrets {
        self.lock().get(run_id).cloned().unwrap_or_default()
    }

    /// Forgets the tokens of a run.
    pub(crate) fn forget(&self, run_id: &RunId) {
        self.lock().remove(run_id);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RunId, Secrets>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes the tokens out of what was submitted. Where one was, null is left, so that it is known that there was one.
pub(crate) fn take_tokens(body: &mut Object) -> Object {
    let Some(extra_data) = body.get_mut("extra_data").and_then(Value::as_object_mut) else {
        return Object::new();
    };
    let mut take = |name| match extra_data.get_mut(name)? {
        // Nobody's token.
        Value::Null => extra_data.remove(name).and(None),
        token => Some((name, std::mem::replace(token, Value::Null))),
    };
    TOKENS.into_iter().filter_map(&mut take).collect()
}

/// The names of the tokens that a run came with, of what was submitted, and that are not there any more.
pub(crate) fn lost_tokens(submitted: &Object, kept: &Secrets) -> Vec<&'static str> {
    let extra_data = submitted.get("extra_data").and_then(Value::as_object);
    let had = |name: &&str| {
        let place = extra_data.and_then(|extra_data| extra_data.get(name));
        place.is_some_and(Value::is_null) && !kept.expose().contains_key(name)
    };
    TOKENS.into_iter().filter(had).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_taken_out_and_nothing_else() {
        let extra = Object::from_iter([("api_key_comfy_org", "SECRET"), ("mine", "x")]);
        let mut body = Object::from_iter([("extra_data", extra)]);
        let tokens = take_tokens(&mut body);
        assert_eq!(tokens.to_json(), r#"{"api_key_comfy_org":"SECRET"}"#);
        assert_eq!(body.to_json(), r#"{"extra_data":{"api_key_comfy_org":null,"mine":"x"}}"#);
        assert!(lost_tokens(&body, &Secrets::new(tokens.clone())).is_empty());
        assert_eq!(lost_tokens(&body, &Secrets::default()), ["api_key_comfy_org"]);
        assert!(take_tokens(&mut Object::new()).is_empty());
        let (vault, run_id) = (Vault::default(), RunId::parse("r1").unwrap());
        vault.keep(&run_id, tokens);
        assert_eq!(vault.of(&run_id).expose().len(), 1);
        assert!(!format!("{vault:?}").contains("SECRET"));
        vault.forget(&run_id);
        assert!(vault.of(&run_id).expose().is_empty());
    }
}
