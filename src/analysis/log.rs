//! Access logs, a million lines at a time: what a policy makes of the traffic that they show.
//!
//! [`Reading`] reads lines into [`LogLine`]s, whatever the format. [`Replay`] asks a policy about each; a [`Learner`] drafts one. None of it holds more
//! than a bounded number of requests in memory, whatever clients sent.

mod decider;
mod groups;
mod json;
mod learn;
mod line;
mod path_group;
mod reading;
mod replay;
mod report;
mod text;
mod time;

pub use decider::Decider;
pub use learn::{Draft, Learner};
pub use line::{LogLine, Logged, Name};
pub use reading::{Reading, Unread};
pub use replay::Replay;
pub use report::{Change, Report};
