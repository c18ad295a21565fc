//! The forms that a configuration comes in.

use super::diagnostic::Diagnostic;
use super::diagnostic_code::DiagnosticCode;
use super::protobuf::{self, Malformed};
use super::value::Value;

/// The path of what is wrong with a configuration as a whole.
pub(crate) const WHOLE: &str = "configuration";

/// JSON, or a `google.protobuf.Struct`. No message is JSON: after its first byte, a line feed, come control characters
/// that JSON does not allow.
pub(crate) fn parse(bytes: &[u8]) -> Result<Vec<(String, Value)>, Diagnostic> {
    const SMALLEST: &str = r#"the smallest policy is `{"allowed_origins": ["https://app.example"]}`"#;
    let refuse = |code, message| Err(Diagnostic::at(WHOLE, (code, message)));
    if bytes.trim_ascii().is_empty() {
        return refuse(DiagnosticCode::Empty, format!("it is empty; {SMALLEST}"));
    }
    if bytes.starts_with(b"\xef\xbb\xbf") {
        let message = "it begins with a byte-order mark; save it as UTF-8 without one".to_owned();
        return refuse(DiagnosticCode::NotJson, message);
    }
    let error = match serde_json::from_slice(bytes) {
        Ok(Value::Object(entries)) if entries.is_empty() => {
            return refuse(DiagnosticCode::Empty, format!("it says nothing; {SMALLEST}"));
        }
        Ok(Value::Object(entries)) => return Ok(entries),
        Ok(other) => {
            let message = format!("a JSON object is expected; {SMALLEST}");
            return Err(Diagnostic::on(WHOLE, other, (DiagnosticCode::NotPolicy, message)));
        }
        Err(error) => error,
    };
    let looks_like_json = bytes.trim_ascii_start().starts_with(b"{");
    let malformed = match protobuf::parse_struct(bytes) {
        Ok(entries) => return Ok(entries),
        Err(_) if !bytes.starts_with(b"\n") || looks_like_json => {
            return refuse(DiagnosticCode::NotJson, format!("it is not JSON: {error}"));
        }
        Err(malformed) => malformed,
    };
    Err(Diagnostic::at(
        WHOLE,
        match malformed {
            Malformed::Message => DiagnosticCode::NotStruct,
            Malformed::String => DiagnosticCode::StructText,
            Malformed::TooDeep => DiagnosticCode::StructDepth,
        },
    ))
}
