"""The official Python client of KurrentDB meets the stand-in for a server.

    kurrentdb.py SCENARIO URL

Whoever wrote this client never saw the stand-in: what works here is what a real server does.
"""

import faulthandler
import sys
import uuid

from kurrentdbclient import CaughtUp, Checkpoint, KurrentDBClient, NewEvent, StreamState
from kurrentdbclient.exceptions import (
    GrpcError,
    KurrentDBClientError,
    NotFoundError,
    StreamIsDeletedError,
    WrongCurrentVersionError,
)

PATIENCE = 60


def event(text):
    """An event whose identifier follows from its contents."""
    return NewEvent(
        type="happened",
        data=text.encode(),
        metadata=b'{"by": "python"}',
        content_type="application/octet-stream",
        id=uuid.uuid5(uuid.NAMESPACE_OID, text),
    )


def append(client, stream, current, *texts):
    """Several events in one append; the client's own method for that is a batch append."""
    return client.streams.append(stream, current, [event(text) for text in texts])


def texts(events):
    return [event.data.decode() for event in events]


def raises(error, action):
    try:
        action()
    except error as raised:
        return raised
    raise AssertionError(f"{error.__name__} was expected")


def writes(client):
    first = append(client, "py-1", StreamState.NO_STREAM, "a", "b")
    second = client.append_to_stream("py-1", current_version=1, events=event("c"))
    assert 0 < first < second, (first, second)
    assert client.get_commit_position() == second

    conflict = raises(WrongCurrentVersionError, lambda: append(client, "py-1", 1, "x"))
    assert conflict.actual_version == 2, conflict
    nowhere = raises(WrongCurrentVersionError, lambda: append(client, "py-2", 4, "x"))
    assert nowhere.actual_version is StreamState.NO_STREAM, nowhere

    assert append(client, "py-1", StreamState.NO_STREAM, "a", "b") == first
    assert append(client, "py-1", 1, "c") == second
    assert client.get_current_version("py-1") == 2
    raises(WrongCurrentVersionError, lambda: append(client, "py-1", 1, "d"))
    return second


def reads(client, third):
    stream = client.get_stream("py-1")
    assert texts(stream) == ["a", "b", "c"]
    assert [event.stream_position for event in stream] == [0, 1, 2]
    assert stream[0].id == uuid.uuid5(uuid.NAMESPACE_OID, "a")
    assert stream[0].type == "happened" and stream[0].metadata == b'{"by": "python"}'
    assert stream[0].content_type == "application/octet-stream"
    assert stream[0].recorded_at.year >= 2024
    assert stream[2].commit_position == third
    assert texts(client.get_stream("py-1", stream_position=1)) == ["b", "c"]
    assert texts(client.get_stream("py-1", backwards=True, limit=2)) == ["c", "b"]
    raises(NotFoundError, lambda: client.get_stream("nothing"))
    assert client.get_current_version("nothing") is StreamState.NO_STREAM

    append(client, "other-1", StreamState.NO_STREAM, "o")
    assert texts(client.read_all()) == ["a", "b", "c", "o"]
    assert texts(client.read_all(backwards=True)) == ["o", "c", "b", "a"]
    assert texts(client.read_all(commit_position=third)) == ["c", "o"]
    # Backwards, the event at the place is not among them: so says the client's documentation.
    assert texts(client.read_all(commit_position=third, backwards=True)) == ["b", "a"]
    by_name = {"filter_by_stream_name": True}
    assert texts(client.read_all(filter_include=["other-.*"], **by_name)) == ["o"]
    assert texts(client.read_all(filter_exclude=["other-.*"], **by_name)) == ["a", "b", "c"]
    raises(KurrentDBClientError, lambda: texts(client.read_all(commit_position=third + 1)))


def subscribes(client, third):
    wanted = {
        "filter_include": ["py-"],
        "filter_by_stream_name": True,
        "filter_by_prefix": True,
        "include_checkpoints": True,
        "include_caught_up": True,
    }
    seen = []

    def until(subscription, done):
        for item in subscription:
            is_news = isinstance(item, (CaughtUp, Checkpoint))
            seen.append(type(item) if is_news else item.data.decode())
            if isinstance(item, Checkpoint):
                until.checkpoint = item.commit_position
            if seen[-1] == done:
                return

    with client.subscribe_to_all(**wanted) as subscription:
        until(subscription, CaughtUp)
        assert seen == ["a", "b", "c", Checkpoint, CaughtUp], seen
        last = client.get_commit_position()
        assert until.checkpoint == last, (until.checkpoint, last)
        append(client, "other-1", 0, "p")
        append(client, "py-1", 2, "d")
        until(subscription, "d")
        assert seen[5:] == ["d"], seen
    seen.clear()
    with client.subscribe_to_all(commit_position=third, **wanted) as subscription:
        until(subscription, CaughtUp)
        assert seen == ["d", Checkpoint, CaughtUp], seen

    with client.subscribe_to_stream("py-1", stream_position=1) as subscription:
        assert texts([next(subscription), next(subscription)]) == ["c", "d"]
    with client.subscribe_to_all(from_end=True) as subscription:
        append(client, "py-3", StreamState.NO_STREAM, "live")
        assert next(subscription).data == b"live"


def deletes(client):
    raises(WrongCurrentVersionError, lambda: client.delete_stream("py-1", current_version=0))
    client.delete_stream("py-1", current_version=3)
    raises(NotFoundError, lambda: client.get_stream("py-1"))
    append(client, "py-1", StreamState.NO_STREAM, "again")
    back = client.get_stream("py-1")
    assert [(event.data, event.stream_position) for event in back] == [(b"again", 4)]
    metadata, _ = client.get_stream_metadata("py-1")
    assert metadata == {"$tb": 4}, metadata

    append(client, "py-4", StreamState.NO_STREAM, "1", "2", "3")
    client.set_stream_metadata("py-4", metadata={"$maxCount": 2})
    assert texts(client.get_stream("py-4")) == ["2", "3"]

    client.tombstone_stream("py-4", current_version=StreamState.ANY)
    raises(StreamIsDeletedError, lambda: client.get_stream("py-4"))
    raises(KurrentDBClientError, lambda: append(client, "py-4", StreamState.ANY, "4"))


def learns_the_cluster(client, url):
    members = client.read_gossip()
    assert [member.state for member in members] == ["NODE_STATE_LEADER"], members
    assert f"{members[0].address}:{members[0].port}" in url, members
    discovering = KurrentDBClient(url.replace("esdb://", "esdb+discover://"))
    assert discovering.get_current_version("py-3") == 0
    discovering.close()


def everything(url):
    client = KurrentDBClient(url)
    third = writes(client)
    reads(client, third)
    subscribes(client, third)
    deletes(client)
    learns_the_cluster(client, url)
    batch = [event("1"), event("2")]
    refused = raises(
        GrpcError,
        lambda: client.append_events("py-5", events=batch, current_version=StreamState.ANY),
    )
    assert "UNIMPLEMENTED" in str(refused), refused
    client.close()


def subscription_ends(url):
    """The server was told to end a subscription without an error after two events."""
    client = KurrentDBClient(url)
    append(client, "py-1", StreamState.NO_STREAM, "a", "b", "c")
    assert texts(client.subscribe_to_all()) == ["a", "b"]
    client.close()


def leader_is_found(url):
    """All seeds of a cluster are given; the client must find its leader."""
    client = KurrentDBClient(url)
    append(client, "py-1", StreamState.NO_STREAM, "a")
    states = sorted(member.state for member in client.read_gossip())
    assert states == ["NODE_STATE_FOLLOWER", "NODE_STATE_FOLLOWER", "NODE_STATE_LEADER"], states
    client.close()


def main():
    _, scenario, url = sys.argv
    scenarios = (everything, subscription_ends, leader_is_found)
    chosen = {known.__name__: known for known in scenarios}[scenario]
    # A call that hangs must not hang the tests: say where it was, and leave.
    faulthandler.dump_traceback_later(PATIENCE, exit=True)
    chosen(url)
    print("fine:", scenario)


main()
