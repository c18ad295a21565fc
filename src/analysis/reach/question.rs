//! What a request asks, and the request that asks it.

use std::collections::BTreeSet;
use std::fmt;

use policy::check::AllowList;
use policy::origin::Origin;
use policy::request::Request;

use super::Subject;

/// A request that stands for others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// What is asked for.
    pub ask: Ask,
    /// `Origin`, as received.
    pub origin: Option<String>,
    /// `Host`, with its port if it shows one; `None` is one that cannot be read.
    pub host: Option<String>,
    /// `http` or `https`.
    pub scheme: &'static str,
    /// The path.
    pub path: String,
}

/// What a request is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// To read an answer.
    Read,
    /// To change something, with this `Sec-Fetch-Site`.
    Write(Option<&'static str>),
    /// To open a WebSocket.
    Socket,
    /// To send this method, by a preflight.
    Method(String),
    /// To send a header of this name, by a preflight.
    Header(String),
    /// To ask a private network, by a preflight.
    PrivateNetwork,
    /// To name this host in a forwarding header.
    Forwarded(&'static str, String),
}

impl Question {
    /// The lines of the request, as a proxy shows them.
    #[must_use]
    pub fn lines(&self) -> Vec<(&'static str, String)> {
        let mut lines = vec![
            (":method", self.method().to_owned()),
            (":path", self.path.clone()),
            (":scheme", self.scheme.to_owned()),
            (":authority", self.host.clone().unwrap_or_else(|| UNREADABLE.to_owned())),
        ];
        lines.extend(self.origin.clone().map(|origin| ("origin", origin)));
        lines.extend(self.headers());
        lines
    }

    /// The request as a line of a case (see [`cases`](crate::cases)).
    #[must_use]
    pub fn line(&self) -> String {
        let scheme = match (&self.ask, self.scheme) {
            (Ask::Socket, "http") => "ws",
            (Ask::Socket, _) => "wss",
            (_, scheme) => scheme,
        };
        let host = self.host.as_deref().unwrap_or(UNREADABLE);
        let mut words = vec![self.method().to_owned(), format!("{scheme}://{host}{}", self.path)];
        words.extend(
            self.origin
                .iter()
                .flat_map(|origin| ["from".to_owned(), origin.clone()]),
        );
        for (name, value) in self.headers() {
            match name {
                REQUEST_METHOD => words.extend(["for".to_owned(), value]),
                REQUEST_HEADERS => words.extend(["with".to_owned(), value]),
                "connection" | "upgrade" => {}
                name => words.push(format!("{name}: {value}")),
            }
        }
        shlex::try_join(words.iter().map(String::as_str)).unwrap_or_default()
    }

    fn method(&self) -> &'static str {
        match self.ask {
            Ask::Read | Ask::Socket | Ask::Forwarded(..) => "GET",
            Ask::Write(_) => "POST",
            Ask::Method(_) | Ask::Header(_) | Ask::PrivateNetwork => "OPTIONS",
        }
    }

    fn headers(&self) -> Vec<(&'static str, String)> {
        match &self.ask {
            Ask::Read | Ask::Write(None) => vec![],
            Ask::Write(Some(site)) => vec![("sec-fetch-site", (*site).to_owned())],
            Ask::Socket => vec![
                ("connection", "Upgrade".to_owned()),
                ("upgrade", "websocket".to_owned()),
            ],
            Ask::Method(method) => vec![(REQUEST_METHOD, method.clone())],
            Ask::Header(name) => {
                vec![(REQUEST_METHOD, "GET".to_owned()), (REQUEST_HEADERS, name.clone())]
            }
            Ask::PrivateNetwork => {
                let private = ("access-control-request-private-network", "true".to_owned());
                vec![(REQUEST_METHOD, "GET".to_owned()), private]
            }
            Ask::Forwarded(name, value) => vec![(*name, value.clone())],
        }
    }

    /// Reads the request from its lines.
    pub(crate) fn request<'a>(lines: &'a [(&'static str, String)]) -> Request<'a> {
        let lines = lines.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        lines.collect()
    }

    /// How much there is to read of it; what pages of the web do not send is longer than the rest.
    pub(crate) fn length(&self) -> (bool, usize, String) {
        let is_of_web = |origin: &String| {
            let parsed = Origin::parse(origin.as_bytes());
            origin == "null" || parsed.is_ok_and(|it| it.is_web())
        };
        let is_sent = self.host.is_some() && self.origin.as_ref().is_none_or(is_of_web);
        let text = self.to_string();
        (!is_sent, text.len(), text)
    }
}

const REQUEST_METHOD: &str = "access-control-request-method";
const REQUEST_HEADERS: &str = "access-control-request-headers";

/// A `Host` that no reader takes for one.
const UNREADABLE: &str = "a b";

impl fmt::Display for Question {
    /// The options of `origin-gate explain` for this request.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |text: &str| shlex::try_quote(text).map_or_else(|_| text.to_owned(), |it| it.into_owned());
        write!(f, "--host {}", quoted(self.host.as_deref().unwrap_or(UNREADABLE)))?;
        if let Some(origin) = &self.origin {
            write!(f, " --origin {}", quoted(origin))?;
        }
        if self.method() != "GET" {
            write!(f, " --method {}", self.method())?;
        }
        if self.path != "/" {
            write!(f, " --path {}", quoted(&self.path))?;
        }
        if self.scheme != "https" {
            write!(f, " --scheme {}", self.scheme)?;
        }
        if self.ask == Ask::Socket {
            return f.write_str(" --websocket");
        }
        for (name, value) in self.headers() {
            write!(f, " -H {}", quoted(&format!("{name}: {value}")))?;
        }
        Ok(())
    }
}

/// Names that a preflight may ask for.
pub(crate) struct Names {
    /// Those of some list.
    listed: BTreeSet<String>,
    /// Those that no list has, each with what it stands for: `*`, or `x-*` for those below a prefix.
    others: Vec<(String, String)>,
}

impl Names {
    /// All of them.
    pub(crate) fn all(&self) -> impl Iterator<Item = &String> {
        self.listed.iter().chain(self.others.iter().map(|(name, _)| name))
    }

    /// What a name stands for.
    pub(super) fn shown(&self, name: String) -> String {
        let stands = self.others.iter().find(|(it, _)| *it == name);
        stands.map_or(name, |(_, shown)| shown.clone())
    }
}

/// The methods that a preflight may ask for.
pub(super) fn methods(subjects: &[&Subject]) -> Names {
    // What Fetch forbids is granted by no list; what needs no preflight is granted with the origin.
    let (all, _) = lists(subjects, |cors| &cors.methods);
    let all = all
        .into_iter()
        .filter(|it| !matches!(it.as_str(), "GET" | "HEAD" | "POST"));
    with_others(all.collect(), &BTreeSet::new(), 'A')
}

/// The headers that a preflight may ask for.
pub(super) fn headers(subjects: &[&Subject]) -> Names {
    let (names, prefixes) = lists(subjects, |cors| &cors.headers);
    let lower = |all: BTreeSet<String>| all.into_iter().map(|it| it.to_ascii_lowercase()).collect();
    with_others(lower(names), &lower(prefixes), 'a')
}

/// The names and the prefixes of all lists.
fn lists(subjects: &[&Subject], list: fn(&policy::check::Cors) -> &AllowList) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut all, mut begin) = (BTreeSet::new(), BTreeSet::new());
    for (_, rules) in subjects.iter().flat_map(|subject| subject.rules()) {
        if let Some(AllowList::These { names, prefixes, .. }) = rules.cors.as_deref().map(list) {
            all.extend(names.iter().cloned());
            begin.extend(prefixes.iter().cloned());
        }
    }
    (all, begin)
}

/// With one name below each prefix, and one below none, that no list has. It is below no longer prefix: of these one ends
/// before it.
fn with_others(listed: BTreeSet<String>, prefixes: &BTreeSet<String>, letter: char) -> Names {
    let other = |prefix: &str| {
        let is_free = |name: &String| {
            let is_below = |it: &String| it.len() > prefix.len() && name.starts_with(it.as_str());
            !listed.contains(name) && !prefixes.iter().any(is_below)
        };
        let names = (1..).map(|length| [prefix, &letter.to_string().repeat(length)].concat());
        names.into_iter().find(is_free).unwrap_or_default()
    };
    let below = prefixes.iter().map(|it| (other(it), format!("{it}*")));
    let others = below.chain([(other(""), "*".to_owned())]).collect();
    Names { listed, others }
}
