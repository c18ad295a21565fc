//! The filter in this process, on a proxy made of vectors.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use config::Loaded;
use filter::{Filter, FilterConfig, Next, Pairs, Proxy, Unavailable};
use policy::reply;

use super::stream::{self, Fields, Host, LocalReply, Stream};

/// A filter under one policy. `broken` names the call that its proxy refuses.
pub(crate) struct Native {
    pub gate: Arc<FilterConfig>,
    pub broken: Option<&'static str>,
    counters: Vec<String>,
    filter: Filter,
}

impl Native {
    pub(crate) fn new(loaded: Loaded) -> Self {
        let mut counters = Vec::new();
        let gate = Arc::new(FilterConfig::new(loaded.policy, loaded.provenance, |name| {
            counters.push(name.to_owned());
            u32::try_from(counters.len() - 1).ok()
        }));
        Self {
            filter: Filter::new(Arc::clone(&gate)),
            gate,
            broken: None,
            counters,
        }
    }

    /// Whose proxy makes no counters.
    pub(crate) fn without_counters(loaded: Loaded) -> Self {
        let gate = Arc::new(FilterConfig::new(loaded.policy, loaded.provenance, |_| None));
        Self {
            filter: Filter::new(Arc::clone(&gate)),
            gate,
            broken: None,
            counters: Vec::new(),
        }
    }

    fn with<R>(&mut self, stream: &mut Stream, call: impl FnOnce(&mut Filter, &mut FakeProxy<'_>) -> R) -> R {
        let mut proxy = FakeProxy {
            stream: RefCell::new(std::mem::take(stream)),
            counters: &self.counters,
            broken: self.broken,
        };
        let result = call(&mut self.filter, &mut proxy);
        *stream = proxy.stream.into_inner();
        result
    }
}

impl Host for Native {
    fn begin(&mut self) {
        self.filter = Filter::new(Arc::clone(&self.gate));
    }

    fn on_request(&mut self, stream: &mut Stream) -> bool {
        self.with(stream, |filter, proxy| filter.on_request(proxy)) == Next::Continue
    }

    fn on_response(&mut self, stream: &mut Stream) {
        self.with(stream, |filter, proxy| filter.on_response(proxy));
    }
}

struct FakeProxy<'a> {
    stream: RefCell<Stream>,
    counters: &'a [String],
    broken: Option<&'static str>,
}

impl FakeProxy<'_> {
    fn check(&self, call: &str) -> Result<(), Unavailable> {
        if self.broken == Some(call) {
            Err(Unavailable)
        } else {
            Ok(())
        }
    }
}

fn encode(fields: &Fields) -> Pairs {
    Pairs::new(Pairs::encode(
        fields.iter().map(|(name, value)| (&name[..], &value[..])),
    ))
}

impl Proxy for FakeProxy<'_> {
    type Headers<'a>
        = Pairs
    where
        Self: 'a;

    fn request_headers(&self) -> Result<Pairs, Unavailable> {
        self.check("request_headers")?;
        Ok(encode(&self.stream.borrow().request))
    }

    fn set_request_header(&mut self, name: &str, value: &[u8]) -> Result<(), Unavailable> {
        self.check("set_request_header")?;
        stream::set(&mut self.stream.borrow_mut().request, name.as_bytes(), value);
        Ok(())
    }

    fn remove_request_header(&mut self, name: &str) -> Result<(), Unavailable> {
        self.check("remove_request_header")?;
        stream::remove(&mut self.stream.borrow_mut().request, name.as_bytes());
        Ok(())
    }

    fn response_headers(&self) -> Result<Pairs, Unavailable> {
        self.check("response_headers")?;
        Ok(encode(&self.stream.borrow().response))
    }

    fn set_response_header(&mut self, name: &str, value: &[u8]) -> Result<(), Unavailable> {
        self.check("set_response_header")?;
        stream::set(&mut self.stream.borrow_mut().response, name.as_bytes(), value);
        Ok(())
    }

    fn add_response_header(&mut self, name: &str, value: &[u8]) -> Result<(), Unavailable> {
        self.check("add_response_header")?;
        let line = (name.as_bytes().to_vec(), value.to_vec());
        self.stream.borrow_mut().response.push(line);
        Ok(())
    }

    fn remove_response_header(&mut self, name: &str) -> Result<(), Unavailable> {
        self.check("remove_response_header")?;
        stream::remove(&mut self.stream.borrow_mut().response, name.as_bytes());
        Ok(())
    }

    fn reply(&self, reply: &reply::LocalReply<'_>, details: &str) -> Result<(), Unavailable> {
        self.check("reply")?;
        let headers = reply.headers.iter();
        self.stream.borrow_mut().reply = Some(LocalReply {
            status: reply.status,
            headers: headers
                .map(|(name, value)| (name.as_bytes().to_vec(), value.to_vec()))
                .collect(),
            body: reply.body.clone().into(),
            details: details.to_owned(),
        });
        Ok(())
    }

    fn publish(&self, name: &str, value: &[u8]) {
        self.stream.borrow_mut().publish(name.as_bytes(), value);
    }

    fn count(&self, counter: u32) {
        self.stream.borrow_mut().count(&self.counters[counter as usize]);
    }

    fn now(&self) -> Duration {
        Duration::ZERO
    }
}
