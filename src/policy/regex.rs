//! Regular expressions over ASCII text: whether one matches the whole of it, and nothing else.
//!
//! It guarantees:
//!
//! - **One language.** It takes the expressions that `regex-lite` 0.1.9 takes, and each matches what it matches there
//!   between `^(?:` and `)$`. `tests/regex.rs` holds one against the other.
//! - **Linear time.** A match takes at most as many steps as the expression has instructions, for each byte of the text.
//! - **Bounds.** Neither reading nor matching recurses. What is compiled has [`MAX_SIZE`](program::MAX_SIZE) bytes at
//!   most.
//!
//! Text that is not ASCII matches nothing but what has no bytes.

mod class;
mod escape;
mod level;
mod parse;
mod program;
mod repeat;

pub(crate) use parse::Parser;
pub(crate) use program::Program;

/// Why an expression is none.
pub(crate) type Error = &'static str;
