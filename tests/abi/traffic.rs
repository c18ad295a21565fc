//! Requests and responses that nobody would think of: the corpus, changed at random. The same seed makes the same.

use std::collections::BTreeMap;

use crate::chance::Chance;
use crate::support::stream::Fields;
use crate::support::{self, Case, Suite};

/// The headers that a policy reads.
const READ: &[&str] = &[
    ":method",
    ":path",
    ":scheme",
    ":authority",
    ":protocol",
    "host",
    "origin",
    "upgrade",
    "connection",
    "access-control-request-method",
    "access-control-request-headers",
    "access-control-request-private-network",
    "content-type",
    "forwarded",
    "sec-fetch-mode",
    "sec-fetch-site",
    "sec_fetch_site",
    "sec-websocket-key",
    "X-Forwarded-Host",
    "x-forwarded-host",
    "x_forwarded_host",
    "x-forwarded-proto",
];

/// The headers that the filter edits or reads in a response.
const EDITED: &[&str] = &[
    ":status",
    "access-control-allow-origin",
    "access-control-allow-credentials",
    "access-control-expose-headers",
    "access-control-allow-methods",
    "access-control-allow-headers",
    "access-control-max-age",
    "vary",
    "set-cookie",
    "x-origin-gate",
    "grpc-status",
];

/// Envoy takes no header of more than 8 MiB, and none of more than 60 KiB unless told to.
pub const LONGEST: usize = 64 << 10;

pub struct Traffic {
    pub chance: Chance,
    cases: Vec<Case>,
    /// What the corpus has under each name.
    values: BTreeMap<String, Vec<Vec<u8>>>,
}

impl Traffic {
    pub fn new(seed: u64, suites: &[Suite]) -> Self {
        let cases: Vec<_> = suites.iter().flat_map(|it| it.cases.clone()).collect();
        let mut values: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
        for case in &cases {
            let answers = case.backend.iter().flat_map(|it| &it.headers);
            let fields = case
                .fields()
                .into_iter()
                .map(|(name, value)| (String::from_utf8(name).unwrap(), value));
            for (name, value) in fields.chain(answers.cloned()) {
                values.entry(name).or_default().push(value);
            }
        }
        Self {
            chance: Chance::new(seed),
            cases,
            values,
        }
    }

    pub fn request(&mut self) -> Fields {
        let fields = self.chance.pick(&self.cases).fields();
        self.changed(fields, READ)
    }

    pub fn response(&mut self) -> Fields {
        let backend = self.chance.pick(&self.cases).backend.clone().unwrap_or_default();
        let status = (b":status".to_vec(), backend.status.to_string().into_bytes());
        let headers = backend
            .headers
            .into_iter()
            .map(|(name, value)| (name.into_bytes(), value));
        let fields = [status].into_iter().chain(headers).collect();
        self.changed(fields, EDITED)
    }

    /// As long as requests get: every header that is read, at its longest.
    pub fn longest_request(&mut self) -> Fields {
        let line = |name: &&str| (name.as_bytes().to_vec(), vec![b'a'; LONGEST]);
        READ.iter().map(line).chain(READ.iter().map(line)).collect()
    }

    fn changed(&mut self, mut fields: Fields, names: &[&str]) -> Fields {
        // One in four is left as the corpus has it, one in four has many changes.
        let changes = match self.chance.below(4) {
            0 => 0,
            1 => 1,
            2 => 2,
            _ => self.chance.below(12),
        };
        for _ in 0..changes {
            self.change(&mut fields, names);
        }
        fields
    }

    fn change(&mut self, fields: &mut Fields, names: &[&str]) {
        let at = self.chance.at(fields.len().max(1));
        match self.chance.below(64) {
            0 => fields.clear(),
            1..=4 if !fields.is_empty() => drop(fields.remove(at)),
            5..=10 if !fields.is_empty() => fields.push(fields[at].clone()),
            11..=14 if !fields.is_empty() => {
                let other = self.chance.at(fields.len());
                fields.swap(at, other);
            }
            15 if !fields.is_empty() => fields[at].0 = self.chance.mutated(&fields[at].0),
            16..=17 => {
                let (name, value) = (self.chance.length(256), self.chance.length(LONGEST));
                fields.push((self.chance.bytes(name), self.chance.bytes(value)));
            }
            18..=35 if !fields.is_empty() => fields[at].1 = self.chance.mutated(&fields[at].1),
            36..=43 if !fields.is_empty() => {
                let name = String::from_utf8_lossy(&fields[at].0).into_owned();
                fields[at].1 = self.value(&name);
            }
            _ => {
                let name = self.chance.pick(names);
                let value = self.value(name);
                fields.push((name.as_bytes().to_vec(), value));
            }
        }
    }

    /// A value of that header, of another one, or of none.
    fn value(&mut self, name: &str) -> Vec<u8> {
        let known = self.values.get(name);
        let value = match (self.chance.below(16), known) {
            (0..=9, Some(values)) => self.chance.pick(values).clone(),
            (10, _) => {
                let length = self.chance.length(LONGEST);
                return self.chance.bytes(length);
            }
            (11, _) => {
                let length = self.chance.length(LONGEST);
                let unit = *self.chance.pick(&[
                    &b"a"[..],
                    b"a.",
                    b"a,",
                    b",",
                    b"*.",
                    b"[",
                    b"%61",
                    b"/..",
                    b"\xe9",
                    b"x-a, ",
                ]);
                return unit.iter().copied().cycle().take(length).collect();
            }
            _ => {
                let at = self.chance.at(self.values.len());
                let values = self.values.values().nth(at);
                values.map_or_else(Vec::new, |values| self.chance.pick(values).clone())
            }
        };
        if self.chance.below(3) == 0 {
            self.chance.mutated(&value)
        } else {
            value
        }
    }
}

/// A policy with everything in it, beside those of the corpus.
pub fn suites() -> Vec<Suite> {
    support::corpus().into_iter().chain([support::matrix()]).collect()
}
