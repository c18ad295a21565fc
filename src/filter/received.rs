//! What the access log could not show otherwise: it is written when the request is over, and has the headers as they are
//! by then. Only the requests that need it pay for it.

use super::proxy::{Headers, Proxy};
use policy::read_header::{ReadHeader, Spelling};
use policy::request::Request;
use policy::verdict::RequestEdit;

/// The most of a line that is shown, in bytes: no longer one is a host or a list of them, and a client chooses the length.
const LONGEST: usize = 1024;

/// Shows the access log the headers that the edits replace or remove, as they were received: those of `x-forwarded-host`
/// as `origin_gate_received_x_forwarded_host`.
pub(crate) fn publish_edited(proxy: &impl Proxy, request: &impl Headers, edits: &[RequestEdit]) {
    let mut shown = None;
    for edit in edits {
        let name: &str = match edit {
            RequestEdit::Remove(name) => name,
            RequestEdit::Set(name, _) | RequestEdit::Rewrite(name, _) => name,
            // Only where there was none.
            RequestEdit::AddWebSocketKey => continue,
        };
        // Each spelling of a name has an edit of its own.
        let header = ReadHeader::meant_by(name.as_bytes()).map(|(header, _)| header);
        if let Some(header) = header.filter(|_| header != shown) {
            shown = Some(header);
            publish(proxy, request, header);
        }
    }
}

/// Shows the access log the headers of which it has one line at most, under one name, where there are others.
pub(crate) fn publish_unclear(proxy: &impl Proxy, request: &impl Headers, head: &Request<'_>) {
    head.received
        .unclear()
        .for_each(|header| publish(proxy, request, header));
}

/// Several lines are one value, as in RFC 9110 §5.3. A line that supplies no value, since its name is spelled in another
/// way, is shown with that name.
fn publish(proxy: &impl Proxy, request: &impl Headers, header: ReadHeader) {
    let mut values = Vec::new();
    let visited = request.visit(|name, value| {
        let value = value.get(..LONGEST).unwrap_or(value);
        match (header, name) {
            (ReadHeader::Host, b":authority") | (ReadHeader::Upgrade, b":protocol") => values.push(value.to_vec()),
            _ => match ReadHeader::meant_by(name).filter(|(meant, _)| *meant == header) {
                None => {}
                Some((_, Spelling::Plain)) => values.push(value.to_vec()),
                // Every spelling of these is read.
                Some((ReadHeader::XForwardedHost | ReadHeader::Forwarded, _)) => values.push(value.to_vec()),
                Some(_) => values.push([name, value].join(&b": "[..])),
            },
        }
    });
    if visited.is_ok() && !values.is_empty() {
        let name = match header {
            ReadHeader::Host => "authority".to_owned(),
            _ => header.name().replace('-', "_"),
        };
        proxy.publish(&["origin_gate_received_", &name].concat(), &values.join(&b", "[..]));
    }
}

/// Shows the access log the host and path of a request that came with `x-envoy-original-path` or `x-envoy-original-host`.
/// Envoy takes these out at the edge only, and its access log has them in place of the path and host.
pub(crate) fn publish_target(proxy: &impl Proxy, head: &Request<'_>) {
    if let Some(authority) = head.received.authority.one() {
        proxy.publish("origin_gate_received_authority", authority);
    }
    proxy.publish("origin_gate_received_path", head.received.path);
}

/// Whether Envoy notes in a header of this name what its routes rewrite.
pub(crate) fn is_original(name: &[u8]) -> bool {
    matches!(name, b"x-envoy-original-path" | b"x-envoy-original-host")
}
