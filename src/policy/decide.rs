//! The procedure that applies a set of rules, read from top to bottom.

use super::answer::Answer;
use super::finding::{Allow, Check, Deny, Outcome};
use super::request::Request;
use super::rules::Rules;
use super::verdict::Verdict;

impl Rules {
    /// Decides on one request. The first check that refuses ends it.
    #[must_use]
    #[inline]
    pub fn decide<'a>(&'a self, request: &Request<'a>) -> Verdict<'a> {
        let mut answer = Answer::new(self, request);
        // May the host be asked for? (RFC 9110 §7.2 `Host`, §7.4 "Rejecting Misdirected Requests")
        if let Some(hosts) = &self.hosts
            && let Err(deny) = answer.hold(Check::Hosts, hosts.mode, hosts.check(&answer.input))
        {
            return answer.refuse(Check::Hosts, deny, hosts.reject_status);
        }
        // May the page open a WebSocket? (RFC 6455 §4.2.2 step 4, §10.2; CORS has no part in it)
        if request.received.is_websocket() {
            let held = self.websocket.as_ref().map_or(Ok(Outcome::Allowed(Allow::Off)), |it| {
                answer.hold(Check::WebSocket, it.mode, it.check(&answer.input))
            });
            return match held {
                Ok(outcome) => answer.forward(Check::WebSocket, outcome),
                Err(deny) => answer.refuse(Check::WebSocket, deny, 403),
            };
        }
        // May the site write? (Fetch Metadata §2.4 `Sec-Fetch-Site`, RFC 9110 §9.2.1 "Safe Methods")
        if let Some(csrf) = &self.csrf
            && let Err(deny) = answer.hold(Check::Csrf, csrf.mode, csrf.check(&answer.input))
        {
            return answer.refuse(Check::Csrf, deny, 403);
        }
        // May the page read the answer? (Fetch §3.2 "CORS protocol")
        let Some(cors) = &self.cors else {
            return answer.forward(Check::Cors, Outcome::Allowed(Allow::Off));
        };
        let held = answer.hold(Check::Cors, cors.mode, cors.check(&answer.input, self.csrf.is_some()));
        // A preflight is answered here (§3.2.2); all else goes on, and its response says who may read it (§3.2.3).
        match request.received.is_preflight() {
            true => answer.preflight(cors, held),
            false => answer.forward(Check::Cors, held.unwrap_or_else(Outcome::Rejected)),
        }
    }

    /// The answer where headers cannot be read or written: what is not known to be allowed is refused.
    #[must_use]
    pub fn refuse_unavailable(&self) -> Verdict<'_> {
        let unread = Request::default();
        let mut answer = Answer::new(self, &unread);
        answer.withhold().refuse(Check::Hosts, Deny::HeadersUnavailable, 500)
    }
}
