//! A document as it was written, whether in JSON or in YAML.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Number;
use yaml_rust2::Yaml;

/// A value of JSON, or of YAML that says no more than JSON can. Objects keep the order of their keys.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string.
    String(String),
    /// An array, or YAML's sequence.
    Array(Vec<Node>),
    /// An object, or YAML's mapping.
    Object(Vec<(String, Node)>),
}

impl Node {
    /// The value under a key of an object.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        let Self::Object(entries) = self else { return None };
        entries.iter().find(|(it, _)| it == key).map(|(_, value)| value)
    }

    /// The value under the first of several spellings of a key that is there.
    #[must_use]
    pub fn get_any(&self, keys: &[&str]) -> Option<&Self> {
        keys.iter().find_map(|key| self.get(key))
    }

    /// A string.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The text under a key of an object.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_text()
    }

    /// The items of an array; none of anything else.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        match self {
            Self::Array(items) => items,
            _ => &[],
        }
    }

    /// The keys of an object and their values; none of anything else.
    #[must_use]
    pub fn entries(&self) -> &[(String, Self)] {
        match self {
            Self::Object(entries) => entries,
            _ => &[],
        }
    }
}

impl TryFrom<&Yaml> for Node {
    type Error = String;

    fn try_from(yaml: &Yaml) -> Result<Self, String> {
        Ok(match yaml {
            Yaml::Null => Self::Null,
            Yaml::Boolean(value) => Self::Bool(*value),
            Yaml::Integer(number) => Self::Number((*number).into()),
            Yaml::Real(text) => match text.parse().ok().and_then(Number::from_f64) {
                Some(number) => Self::Number(number),
                None => return Err(format!("the number `{text}` does not exist in JSON")),
            },
            Yaml::String(text) => Self::String(text.clone()),
            Yaml::Array(items) => Self::Array(items.iter().map(Self::try_from).collect::<Result<_, _>>()?),
            Yaml::Hash(entries) => {
                let entries = entries.iter().map(|(key, value)| match key {
                    Yaml::String(key) => Ok((key.clone(), Self::try_from(value)?)),
                    _ => Err("a key is not a string: write it between quotes".to_owned()),
                });
                Self::Object(entries.collect::<Result<_, String>>()?)
            }
            Yaml::Alias(_) | Yaml::BadValue => return Err("an alias refers to nothing".to_owned()),
        })
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(number) => number.serialize(serializer),
            Self::String(text) => serializer.serialize_str(text),
            Self::Array(items) => serializer.collect_seq(items),
            Self::Object(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Node, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("this number does not exist in JSON"))?;
        Ok(Node::Number(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::String(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Node::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut entries: Vec<(String, Node)> = Vec::new();
        while let Some((key, value)) = map.next_entry()? {
            if entries.iter().any(|(it, _)| *it == key) {
                return Err(A::Error::custom(format_args!("the key `{key}` is there twice")));
            }
            entries.push((key, value));
        }
        Ok(Node::Object(entries))
    }
}
