//! What expressions come to.

/// What an expression comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    None,
    Bool(bool),
    Number(u64),
    Text(String),
    List(Vec<Value>),
    /// What the module defines itself.
    Unknown,
}

/// Why an expression comes to nothing here.
pub type Why = &'static str;

pub const TOO_MUCH: Why = "this would have to be run to know it; write it out";
impl Value {
    /// The text that says the same in an environment.
    pub fn to_setting(&self) -> Option<String> {
        match self {
            Self::None | Self::Unknown => None,
            Self::Bool(value) => Some(value.to_string()),
            Self::Number(number) => Some(number.to_string()),
            Self::Text(text) => Some(text.clone()),
            Self::List(items) => {
                let texts: Option<Vec<_>> = items
                    .iter()
                    .map(|item| match item {
                        Self::Text(text) => Some(text.as_str()),
                        _ => None,
                    })
                    .collect();
                serde_json::to_string(&texts?).ok()
            }
        }
    }

    /// Whether it is a list of lists.
    pub fn has_lists(&self) -> bool {
        matches!(self, Self::List(items) if items.iter().any(|it| matches!(it, Self::List(_))))
    }

    /// About how many bytes it takes.
    pub fn size(&self) -> usize {
        const EACH: usize = size_of::<Value>();
        match self {
            Self::Text(text) => EACH + text.len(),
            Self::List(items) => items.iter().map(Self::size).fold(EACH, usize::saturating_add),
            _ => EACH,
        }
    }

    /// `+`
    pub fn plus(self, other: Self) -> Result<Self, Why> {
        match (self, other) {
            (Self::List(mut items), Self::List(more)) => {
                items.extend(more);
                Ok(Self::List(items))
            }
            (Self::Text(text), Self::Text(more)) => Ok(Self::Text(text + &more)),
            (Self::Number(a), Self::Number(b)) => a.checked_add(b).map(Self::Number).ok_or(TOO_MUCH),
            _ => Err(TOO_MUCH),
        }
    }
}

/// How much may still be copied from names and variables: `X = X + X`, some sixty times, would fill any memory.
pub struct Budget(usize);

impl Default for Budget {
    fn default() -> Self {
        Self(1 << 24)
    }
}

impl Budget {
    /// The same again, if there is room.
    pub fn copy(&mut self, value: &Value) -> Result<Value, Why> {
        self.0 = self.0.checked_sub(value.size()).ok_or("it is too long")?;
        Ok(value.clone())
    }
}

/// Empty parts are what an empty variable leaves.
pub fn texts<'a>(parts: impl Iterator<Item = &'a str>) -> Value {
    let parts = parts.filter(|it| !it.trim().is_empty());
    Value::List(parts.map(|it| Value::Text(it.to_owned())).collect())
}
