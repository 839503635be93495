//! serde, lossless with `serde_json`: numbers that its data model cannot hold travel as raw text.

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Error as _, Serialize, SerializeMap as _, Serializer};
use serde_json::value::RawValue;

use super::{Limits, Number, Object, Value, read};

/// Fails on `NaN` and the infinities, which JSON cannot express.
impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some(value) = self.float() {
            if !value.is_finite() {
                return Err(S::Error::custom(format_args!("{value} is not valid in JSON")));
            }
            return serializer.serialize_f64(value);
        }
        match (self.as_u64(), self.as_i64(), self.big_digits()) {
            (Some(value), _, _) => serializer.serialize_u64(value),
            (_, Some(value), _) => serializer.serialize_i64(value),
            (_, _, digits) => raw(digits.unwrap_or_default().to_owned())?.serialize(serializer),
        }
    }
}

/// Text that goes out as it is.
fn raw<E: serde::ser::Error>(json: String) -> Result<Box<RawValue>, E> {
    RawValue::from_string(json).map_err(E::custom)
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (key, value) in self.iter() {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(number) => number.serialize(serializer),
            Self::String(text) => serializer.serialize_str(text),
            Self::IllFormed(_) => raw(self.to_json())?.serialize(serializer),
            Self::Array(items) => serializer.collect_seq(items),
            Self::Object(object) => object.serialize(serializer),
        }
    }
}

/// Works with `serde_json` only: the raw text is what keeps large integers exact.
impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        read(raw.get().as_bytes(), Limits::default()).map_err(D::Error::custom)
    }
}

/// Works with `serde_json` only: the raw text is what keeps large integers exact.
impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Object(object) => Ok(object),
            other => Err(D::Error::custom(format_args!("expected an object, found {}", other.kind()))),
        }
    }
}
