//! The messages and services generated from `proto/`.

#![allow(missing_docs, unreachable_pub, clippy::all)]

// The generated files name each other by the nesting of their packages.
tonic::include_proto!("event_store.client");

pub(super) mod streams {
    tonic::include_proto!("event_store.client.streams");
}

pub(super) mod gossip {
    tonic::include_proto!("event_store.client.gossip");
}

pub(super) mod server_features {
    tonic::include_proto!("event_store.client.server_features");
}
