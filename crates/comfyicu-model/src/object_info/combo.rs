//! Inputs with a choice of values.

use crate::json::{Object, Value};
use crate::python;

/// A choice of values, seen in place.
#[derive(Clone, Copy, Debug)]
pub struct Combo<'a> {
    options: Option<&'a [Value]>,
    settings: Option<&'a Object>,
}

impl<'a> Combo<'a> {
    pub(super) const fn new(options: Option<&'a [Value]>, settings: Option<&'a Object>) -> Self {
        Self { options, settings }
    }

    /// The values to choose from: mostly strings, now and then numbers or booleans.
    ///
    /// Empty, too, where the server has no file to choose, and where the list [is elsewhere](Self::remote).
    pub fn options(self) -> &'a [Value] {
        self.options.unwrap_or_default()
    }

    /// Whether the definition lists its options. One that does not gets them at run time.
    pub const fn is_listed(self) -> bool {
        self.options.is_some()
    }

    /// Where the editor gets the options from, when they are not in the definition: `route` and more.
    pub fn remote(self) -> Option<&'a Object> {
        self.settings?.get("remote")?.as_object()
    }

    /// Whether several values can be chosen.
    pub fn is_multiselect(self) -> bool {
        self.settings.and_then(|settings| settings.get("multiselect")).and_then(Value::as_bool) == Some(true)
    }

    /// Whether a value is one of the options, as Python compares: `1`, `1.0` and `true` are equal.
    ///
    /// ```
    /// use comfyicu_model::{ObjectInfo, object_info::InputKind};
    ///
    /// let object_info = ObjectInfo::parse(br#"{"Video": {
    ///     "input": {"required": {"seconds": ["COMBO", {"options": [5, 10]}]}}, "output": ["VIDEO"]
    /// }}"#)?;
    /// let seconds = object_info.definition("Video").and_then(|video| video.input("seconds")).expect("defined");
    /// let InputKind::Combo(seconds) = seconds.kind() else { panic!("it is a choice") };
    /// assert!(seconds.contains(&10.0.into()));
    /// assert!(!seconds.contains(&"10".into()));
    /// # Ok::<(), comfyicu_model::object_info::ParseObjectInfoError>(())
    /// ```
    pub fn contains(self, value: &Value) -> bool {
        self.options().iter().any(|option| python::equal(option, value))
    }
}
