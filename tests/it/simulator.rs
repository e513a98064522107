//! The simulator over HTTP: each platform walked through as a client would, every fault by name,
//! messages with their signatures. The project's readers judge what it answers; it shares no code
//! with them.

mod consent;
mod control;
mod facebook;
mod faults;
mod instagram;
mod limits;
mod messages;
mod program;
mod scene;
mod shapes;
mod tiktok;
mod youtube;
