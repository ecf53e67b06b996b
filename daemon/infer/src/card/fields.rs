//! Takes typed values out of a TOML table and keeps a list of what is wrong.
//!
//! In: a table and its name. Out: values, or stand-ins together with a problem in the list. Never: the first
//! problem only: who corrects a card wants to see all.

use toml::{Table, Value};

use super::Span;

/// One table that is being read. Taken keys are gone; what is left at the end is unknown.
pub(crate) struct Fields<'a> {
    name: &'a str,
    table: Table,
    problems: &'a mut Vec<String>,
}

impl<'a> Fields<'a> {
    pub fn new(name: &'a str, table: Table, problems: &'a mut Vec<String>) -> Self {
        Self { name, table, problems }
    }

    /// The table `key` of `card`, empty with a problem where it is missing or something else.
    pub fn of(card: &mut Table, key: &'a str, problems: &'a mut Vec<String>) -> Self {
        let table = match card.remove(key) {
            Some(Value::Table(table)) => table,
            Some(other) => {
                problems.push(format!("[{key}] is {} where a table is needed", a(&other)));
                return Self { name: "", table: Table::new(), problems };
            }
            None => {
                problems.push(format!("[{key}] is missing"));
                Table::new()
            }
        };
        Self { name: key, table, problems }
    }

    pub fn text(&mut self, key: &str) -> String {
        match self.take(key) {
            Some(Value::String(text)) if !text.trim().is_empty() => text,
            other => self.wrong(key, "a text that is not empty", other).unwrap_or_default(),
        }
    }

    /// A text that must be one of `choices`.
    pub fn choice(&mut self, key: &str, choices: &[&str]) -> String {
        let wanted = format!("one of {choices:?}");
        match self.take(key) {
            Some(Value::String(text)) if choices.contains(&text.as_str()) => text,
            other => self.wrong(key, &wanted, other).unwrap_or_default(),
        }
    }

    /// A finite number within `span`.
    pub fn number(&mut self, key: &str, span: Span) -> f64 {
        let value = self.take(key);
        match value.as_ref().and_then(number).filter(|number| span.holds(*number)) {
            Some(number) => number,
            None => self.wrong(key, &format!("a number from {span}"), value).unwrap_or(span.low),
        }
    }

    /// As [`number`](Self::number), and `None` where the key is absent.
    pub fn number_or_absent(&mut self, key: &str, span: Span) -> Option<f64> {
        self.table.contains_key(key).then(|| self.number(key, span))
    }

    /// A whole number within `low..=high`.
    pub fn whole(&mut self, key: &str, low: u32, high: u32) -> u32 {
        let value = self.take(key);
        let whole = value.as_ref().and_then(Value::as_integer).and_then(|whole| u32::try_from(whole).ok());
        match whole.filter(|whole| (low..=high).contains(whole)) {
            Some(whole) => whole,
            None => self.wrong(key, &format!("a whole number from {low} to {high}"), value).unwrap_or(low),
        }
    }

    /// Two finite numbers, the first not larger.
    pub fn span(&mut self, key: &str) -> Span {
        let value = self.take(key);
        let pair = value.as_ref().and_then(Value::as_array).and_then(|values| match values.as_slice() {
            [low, high] => Some(Span { low: number(low)?, high: number(high)? }),
            _ => None,
        });
        match pair.filter(|span| span.low <= span.high) {
            Some(span) => span,
            None => self.wrong(key, "two numbers [low, high]", value).unwrap_or(Span { low: 0.0, high: 0.0 }),
        }
    }

    /// As [`span`](Self::span), and `None` where the key is absent.
    pub fn span_or_absent(&mut self, key: &str) -> Option<Span> {
        self.table.contains_key(key).then(|| self.span(key))
    }

    /// As [`text`](Self::text), and `None` where the key is absent.
    pub fn text_or_absent(&mut self, key: &str) -> Option<String> {
        self.table.contains_key(key).then(|| self.text(key))
    }

    /// A list of texts that must be exactly `expected`.
    pub fn exactly(&mut self, key: &str, expected: &[&str]) {
        let value = self.take(key);
        let same = value.as_ref().and_then(Value::as_array).is_some_and(|values| {
            values.len() == expected.len() && values.iter().zip(expected).all(|(v, e)| v.as_str() == Some(e))
        });
        if !same {
            self.wrong::<()>(key, &format!("{expected:?} in this order"), value);
        }
    }

    /// A table within this one.
    pub fn table(&mut self, key: &str) -> Table {
        match self.take(key) {
            Some(Value::Table(table)) => table,
            other => self.wrong(key, "a table", other).unwrap_or_default(),
        }
    }

    /// Keys that nobody has taken yet.
    pub fn keys(&self) -> impl Iterator<Item = String> + use<> {
        self.table.keys().cloned().collect::<Vec<_>>().into_iter()
    }

    /// The table as it is, whatever it holds.
    pub fn into_free(self) -> Table {
        self.table
    }

    /// Names a problem of this table.
    pub fn problem(&mut self, text: &str) {
        self.problems.push(format!("{}: {text}", self.name));
    }

    /// Reports what nobody asked for.
    pub fn finish(self) {
        for key in self.table.keys() {
            self.problems.push(format!("{}: the key is unknown", dotted(self.name, key)));
        }
    }

    fn take(&mut self, key: &str) -> Option<Value> {
        self.table.remove(key)
    }

    fn wrong<T>(&mut self, key: &str, wanted: &str, found: Option<Value>) -> Option<T> {
        let key = dotted(self.name, key);
        self.problems.push(match found {
            None => format!("{key} is missing: {wanted} is needed"),
            Some(value) => format!("{key} is {} where {wanted} is needed", a(&value)),
        });
        None
    }
}

fn number(value: &Value) -> Option<f64> {
    let number = value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64))?;
    number.is_finite().then_some(number)
}

fn dotted(name: &str, key: &str) -> String {
    if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") }
}

/// A short description of a value, its own text where that is short.
fn a(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 40 { text } else { format!("a long {}", value.type_str()) }
}
