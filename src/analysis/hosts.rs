//! The grammar of hosts in origins, read from their end, and how much of a host's site the author spelled.

use std::rc::Rc;

use super::automaton::{At, Automaton, DEAD, Letters, TooLarge};
use super::suffixes::{Standing, standing};
use policy::host::{Host, MAX_LABEL};

/// The longest IPv6 address, with its brackets.
const MAX_V6: usize = 41;

/// A place inside a host, and what the expression makes of what was read.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Spot {
    /// By any reading of the bytes.
    pub all: At,
    /// By those readings in which the author spelled what has to be.
    pub named: At,
    form: Form,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Form {
    Name {
        site: Site,
        ending: Ending,
    },
    /// The digits and the text are not those that were read, but stand for all that go on in the same way.
    V4 {
        octets: u8,
        digits: &'static str,
    },
    V6 {
        text: String,
    },
}

/// How much is known of the registrable domain.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Site {
    /// These are its last bytes, and the author spelled them.
    Spelled(Rc<str>),
    /// A part of it is open.
    Open,
    /// It was read whole and is the author's.
    Named,
    /// The same, but some names below `domain` are lent to others; `spelled` is where only spelled bytes have led since.
    Lending {
        domain: Rc<str>,
        text: Rc<str>,
        spelled: At,
    },
    /// The names below this domain are open, and some of them are lent.
    Lent(Rc<str>),
}

/// What the last label is so far: a host that ends in a number is an IPv4 address or none (URL Standard, "ends in a
/// number checker").
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Ending {
    Nothing,
    RootDot,
    Digits,
    Hex,
    X,
    ZeroX,
    Word,
}

/// A host that was read whole.
pub(crate) struct Whole {
    /// As in [`Spot`].
    pub all: At,
    /// As in [`Spot`].
    pub named: At,
    /// Some hosts like this belong to others than the owner of this domain.
    pub lent: Option<Rc<str>>,
}

impl Spot {
    /// The places at the end of a host.
    pub(crate) fn ends(at: At) -> [Self; 2] {
        let name = Form::Name {
            site: Site::Spelled("".into()),
            ending: Ending::Nothing,
        };
        let address = Form::V4 { octets: 0, digits: "" };
        [name, address].map(|form| Self {
            all: at,
            named: at,
            form,
        })
    }

    /// Whether it is inside an IPv6 address, of which the search tries them one by one.
    pub(crate) fn is_v6(&self) -> bool {
        matches!(self.form, Form::V6 { .. })
    }

    /// Whether nothing but a root dot was read.
    pub(crate) fn is_at_end(&self) -> bool {
        matches!(
            &self.form,
            Form::Name {
                ending: Ending::Nothing | Ending::RootDot,
                ..
            }
        )
    }

    /// What was read of a name, if all of it may be the registrable domain and was spelled.
    pub(crate) fn spelled(&self) -> Option<Rc<str>> {
        match &self.form {
            Form::Name {
                site: Site::Spelled(text),
                ..
            } => Some(Rc::clone(text)),
            _ => None,
        }
    }

    /// Whether the registrable domain was read whole and is the author's.
    pub(crate) fn is_named(&self) -> bool {
        matches!(&self.form, Form::Name { site: Site::Named, .. })
    }

    /// Reads the byte before, `label` bytes into a label; also says how many that are then.
    pub(crate) fn read(
        &self,
        automaton: &mut Automaton,
        byte: u8,
        label: usize,
    ) -> Result<Option<(Self, usize)>, TooLarge> {
        let all = automaton.step(self.all, byte, Letters::Any)?;
        if all == DEAD {
            return Ok(None);
        }
        let spelled = automaton.step(self.named, byte, Letters::Spelled)?;
        let spot = |named, form| Some((Self { all, named, form }, 0));
        Ok(match &self.form {
            Form::Name {
                site,
                ending: Ending::Nothing,
            } if matches!(byte, b'.' | b']') => match byte {
                b']' => spot(spelled, Form::V6 { text: "]".into() }),
                _ => {
                    let site = if spelled == DEAD { Site::Open } else { site.clone() };
                    let ending = Ending::RootDot;
                    spot(spelled, Form::Name { site, ending })
                }
            },
            Form::Name { site, ending } => {
                let (ending, label) = match byte {
                    b'.' if label == 0 || !ending.may_be_name() => return Ok(None),
                    b'.' => (Ending::Word, 0),
                    _ if label >= MAX_LABEL => return Ok(None),
                    b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => (ending.read(byte), label + 1),
                    _ => return Ok(None),
                };
                let any = automaton.step(self.named, byte, Letters::Any)?;
                let (site, named) = site.read(automaton, byte, spelled, any)?;
                let form = Form::Name { site, ending };
                Some((Self { all, named, form }, label))
            }
            Form::V4 { octets, digits } => read_v4(byte, *octets, digits).and_then(|form| spot(spelled, form)),
            Form::V6 { text } => match byte {
                b'0'..=b'9' | b'a'..=b'f' | b':' | b'[' if text.len() < MAX_V6 && !text.starts_with('[') => {
                    groups(byte, text).and_then(|text| spot(spelled, Form::V6 { text }))
                }
                _ => None,
            },
        })
    }

    /// The host, if it may begin here.
    pub(crate) fn whole(&self, label: usize) -> Option<Whole> {
        let whole = |named| Whole {
            all: self.all,
            named,
            lent: None,
        };
        match &self.form {
            Form::Name { ending, .. } if label == 0 || !ending.may_be_name() => None,
            Form::Name { site, .. } => Some(match site {
                Site::Lent(domain) => Whole {
                    lent: Some(Rc::clone(domain)),
                    ..whole(self.named)
                },
                Site::Lending { text, spelled, .. } if standing(text) == Standing::Shared => whole(*spelled),
                _ => whole(self.named),
            }),
            Form::V4 { octets: 3, digits } if is_octet(digits) => Some(match *digits {
                // All of it is the visitor's own machine.
                "127" => whole(self.all),
                _ => whole(self.named),
            }),
            Form::V4 { .. } => None,
            Form::V6 { text } => {
                let host = Host::parse(text.as_bytes()).ok()?;
                host.is_canonical().then(|| match text.as_str() {
                    "[::1]" => whole(self.all),
                    _ => whole(self.named),
                })
            }
        }
    }
}

impl Site {
    /// Reads a byte, which led to `spelled` by spelled bytes only, and to `any` by whichever.
    fn read(&self, automaton: &mut Automaton, byte: u8, spelled: At, any: At) -> Result<(Self, At), TooLarge> {
        Ok(match self {
            Self::Open => (Self::Open, DEAD),
            Self::Named => (Self::Named, any),
            Self::Lent(domain) => (Self::Lent(Rc::clone(domain)), any),
            Self::Spelled(text) if byte == b'.' && standing(text) != Standing::Shared => match standing(text) {
                Standing::Owned => (Self::Named, any),
                _ => (Self::lending(text, byte, spelled), any),
            },
            Self::Spelled(_) if spelled == DEAD => (Self::Open, DEAD),
            Self::Spelled(text) => (Self::Spelled(prepend(byte, text).into()), spelled),
            Self::Lending {
                domain,
                text,
                spelled: before,
            } => {
                let spelled = automaton.step(*before, byte, Letters::Spelled)?;
                let is_label = byte == b'.';
                match standing(text) {
                    // The names below this one have other owners: only what is spelled is named.
                    Standing::Shared if is_label && spelled == DEAD => (Self::Open, DEAD),
                    Standing::Shared if is_label => (Self::Spelled(prepend(byte, text).into()), spelled),
                    Standing::Owned if is_label => (Self::Named, any),
                    Standing::Lends | Standing::LendsAll if is_label => (Self::lending(text, byte, spelled), any),
                    _ if spelled != DEAD => {
                        let text = prepend(byte, text).into();
                        let domain = Rc::clone(domain);
                        (Self::Lending { domain, text, spelled }, any)
                    }
                    _ if standing(domain) == Standing::LendsAll => (Self::Open, DEAD),
                    _ => (Self::Lent(Rc::clone(domain)), any),
                }
            }
        })
    }

    fn lending(domain: &str, byte: u8, spelled: At) -> Self {
        Self::Lending {
            domain: domain.into(),
            text: prepend(byte, domain).into(),
            spelled,
        }
    }
}

impl Ending {
    fn read(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Nothing | Self::RootDot | Self::Digits, b'0'..=b'9') => Self::Digits,
            (Self::Nothing | Self::RootDot | Self::Digits | Self::Hex, b'0'..=b'9' | b'a'..=b'f') => Self::Hex,
            (Self::Nothing | Self::RootDot | Self::Digits | Self::Hex, b'x') => Self::X,
            (Self::X, b'0') => Self::ZeroX,
            _ => Self::Word,
        }
    }

    fn may_be_name(self) -> bool {
        matches!(self, Self::Hex | Self::X | Self::Word)
    }
}

fn read_v4(byte: u8, octets: u8, digits: &str) -> Option<Form> {
    match byte {
        b'0'..=b'9' => octet(byte, digits).map(|digits| Form::V4 { octets, digits }),
        b'.' if octets < 3 && is_octet(digits) => Some(Form::V4 {
            octets: octets + 1,
            digits: "",
        }),
        _ => None,
    }
}

/// Reads a digit of an octet; `127` is distinguished from the others.
fn octet(byte: u8, digits: &str) -> Option<&'static str> {
    Some(match (byte, digits) {
        (b'7', "") => "7",
        (b'0'..=b'5', "") => "5",
        (_, "") => "9",
        (b'0', "5" | "7" | "9") => "05",
        (b'2', "7") => "27",
        (b'1'..=b'4', "5" | "7" | "9") | (b'5', "5") => "15",
        (_, "5" | "7" | "9") => "99",
        (b'1', "27") => "127",
        (b'1', _) | (b'2', "05" | "15" | "27") if digits.len() == 2 => "199",
        _ => return None,
    })
}

/// Reads a byte of an IPv6 address. Of a group counts whether it is zero, or `ffff`, or the `1` of `[::1]`.
fn groups(byte: u8, text: &str) -> Option<String> {
    let group = text.split([':', ']']).next().unwrap_or_default();
    let rest = text.get(group.len()..).unwrap_or_default();
    match byte {
        b':' | b'[' if group.len() > 1 && group.starts_with('0') => None,
        b':' if text.starts_with(':') && text.contains("::") => None,
        b':' if text.matches(':').count() >= 8 => None,
        b':' | b'[' => {
            let group = match group {
                "" | "0" | "1" | "ffff" => group,
                _ => "2",
            };
            Some(prepend(byte, &[group, rest].concat()))
        }
        _ if group.len() == 4 => None,
        b'0' | b'f' => Some(prepend(byte, text)),
        b'1' if text == "]" => Some(prepend(byte, text)),
        _ => Some(prepend(b'2', text)),
    }
}

fn is_octet(digits: &str) -> bool {
    (digits.len() == 1 || !digits.starts_with('0')) && digits.parse::<u8>().is_ok()
}

fn prepend(byte: u8, text: &str) -> String {
    let mut longer = String::with_capacity(text.len() + 1);
    longer.push(char::from(byte));
    longer.push_str(text);
    longer
}
