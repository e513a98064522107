//! The three services of a node, as the protocol names them.

use super::Version;
use super::members::Member;
use super::node::{Counters, Node};
use super::read::{self, Answers};
use super::request::{ReadPlan, deadline, requires_leader};
use super::wire::gossip::gossip_server::{Gossip, GossipServer};
use super::wire::gossip::{Address, Cluster, Member as WireMember, State};
use super::wire::server_features::server_features_server::{ServerFeatures, ServerFeaturesServer};
use super::wire::server_features::{Method, Methods};
use super::wire::streams::streams_server::{Streams, StreamsServer};
use super::wire::streams::{AppendAnswer, AppendPart, DeleteAnswer, DeleteRequest, ReadRequest};
use super::wire::{Uuid as WireUuid, uuid};
use super::{log, status, write};
use data_encoding::BASE64;
use std::sync::Arc;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status, Streaming};

/// What is answered for every node.
pub(super) struct Service {
    node: Arc<Node>,
}

impl Service {
    fn new(node: &Arc<Node>) -> Self {
        Self {
            node: Arc::clone(node),
        }
    }

    pub(super) fn features(node: &Arc<Node>) -> ServerFeaturesServer<Self> {
        ServerFeaturesServer::new(Self::new(node))
    }

    pub(super) fn gossip(node: &Arc<Node>) -> GossipServer<Self> {
        GossipServer::new(Self::new(node))
    }

    pub(super) fn streams(node: &Arc<Node>) -> StreamsServer<Self> {
        // The limit on appends is the one that clients must meet.
        StreamsServer::new(Self::new(node)).max_decoding_message_size(usize::MAX)
    }

    /// Lets a caller in, if it is who it must be.
    fn admit(&self, metadata: &MetadataMap) -> Result<(), Status> {
        let Some((login, password)) = &self.node.setup.credentials else {
            return Ok(());
        };
        let Some(header) = metadata.get("authorization") else {
            return Err(status::access_denied());
        };
        let pair = BASE64.encode(format!("{login}:{password}").as_bytes());
        let right = header.to_str().is_ok_and(|header| {
            let scheme = header.get(..6).unwrap_or_default();
            scheme.eq_ignore_ascii_case("basic ") && header[6..] == pair
        });
        if right {
            Ok(())
        } else {
            Err(Status::unauthenticated(
                "the login or the password is wrong",
            ))
        }
    }
}

#[tonic::async_trait]
impl ServerFeatures for Service {
    async fn get_supported_methods(&self, _: Request<()>) -> Result<Response<Methods>, Status> {
        Counters::add(&self.node.counters.features);
        let method = |service: &str, name: &str| Method {
            method_name: name.to_owned(),
            service_name: format!("event_store.client.{service}"),
            features: Vec::new(),
        };
        let streams = "streams.streams";
        let version = match self.node.setup.version {
            Version::V24 => "24.6.0",
            Version::V25 => "25.1.0",
        };
        Ok(Response::new(Methods {
            methods: vec![
                method(streams, "append"),
                method(streams, "read"),
                method(streams, "delete"),
                method(streams, "tombstone"),
                method("gossip.gossip", "read"),
                method("server_features.serverfeatures", "getsupportedmethods"),
            ],
            event_store_server_version: version.to_owned(),
        }))
    }
}

#[tonic::async_trait]
impl Gossip for Service {
    async fn read(&self, request: Request<()>) -> Result<Response<Cluster>, Status> {
        Counters::add(&self.node.counters.gossip);
        self.admit(request.metadata())?;
        let members = &self.node.members;
        let leader = members.leader();
        let seen = |(index, member): (usize, &Member)| {
            let is_alive = members.is_alive(index);
            let state = match leader {
                _ if !is_alive => State::Unknown,
                Some(leader) if leader == index => State::Leader,
                Some(_) => State::Follower,
                None => State::Unknown,
            };
            WireMember {
                instance_id: Some(WireUuid {
                    form: Some(uuid::Form::Text(member.id.to_string())),
                }),
                time_stamp: i64::try_from(log::ticks()).unwrap_or(i64::MAX),
                state: state.into(),
                is_alive,
                http_end_point: Some(Address {
                    host: member.endpoint.host.clone(),
                    port: member.endpoint.port.into(),
                }),
            }
        };
        let members = members.all().iter().enumerate().map(seen).collect();
        Ok(Response::new(Cluster { members }))
    }
}

#[tonic::async_trait]
impl Streams for Service {
    type ReadStream = Answers;

    async fn append(
        &self,
        request: Request<Streaming<AppendPart>>,
    ) -> Result<Response<AppendAnswer>, Status> {
        Counters::add(&self.node.counters.appends);
        self.admit(request.metadata())?;
        write::append(&self.node, request).await.map(Response::new)
    }

    async fn read(&self, request: Request<ReadRequest>) -> Result<Response<Answers>, Status> {
        let node = &self.node;
        self.admit(request.metadata())?;
        let required = requires_leader(request.metadata());
        node.members.may_answer(node.index, false, required)?;
        let deadline = deadline(request.metadata());
        let plan = ReadPlan::parse(request.into_inner())?;
        read::start(node, plan, deadline).map(Response::new)
    }

    async fn delete(
        &self,
        request: Request<DeleteRequest>,
    ) -> Result<Response<DeleteAnswer>, Status> {
        self.admit(request.metadata())?;
        write::delete(&self.node, request, false).map(Response::new)
    }

    async fn tombstone(
        &self,
        request: Request<DeleteRequest>,
    ) -> Result<Response<DeleteAnswer>, Status> {
        self.admit(request.metadata())?;
        write::delete(&self.node, request, true).map(Response::new)
    }
}
