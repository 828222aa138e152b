/*
 * A packet's way from a peer to the TAP:
 *
 *  1. receive it                                  socket.c; STUN messages leave here: stun.c, stun-limit
 *  2. read its header                             packet.c, packet-too-short, packet-unknown-type
 *  3. find the session that it names              table.c, packet-unknown-index
 *  4. refuse replays, open it in place            session.c, packet-replayed, packet-not-authentic
 *  5. note the sign of life, and a new endpoint   -> event `heard`: the controller decides where frames go
 *  6. a probe goes back to where it came from; an echo -> event `probe-reply`
 *  7. a frame must be whole                       frame-too-short, frame-too-long
 *  8. must speak for its peer alone               source_check.c, source-mac-mismatch, source-ip-mismatch
 *  9. and be meant for us                         not-for-this-node
 * 10. write it                                    tap.c, tap-write-failed
 */
#include "inbound.h"

#include <string.h>

#include "clock.h"
#include "outbound.h"
#include "stun.h"

/* A peer that moves sends thousands of packets from its new place before the controller has looked at the first. */
enum { HEARD_EVENT_EVERY_US = 1000000 };

static void report(struct datapath *datapath, const struct event *event)
{
    if (!event_ring_push(&datapath->ring, event, NULL)) datapath_drop(datapath, DROP_EVENT_RING_FULL);
}

static void note_sign_of_life(struct datapath *datapath, struct peer *peer, const struct endpoint *from)
{
    peer->traffic.last_received_us = datapath->now_us;
    if (peer->has_path && endpoint_equals(&peer->path, from)) return;
    bool recently = peer->last_heard_event_us != 0 &&
                    datapath->now_us - peer->last_heard_event_us < HEARD_EVENT_EVERY_US;
    if (recently) return;
    peer->last_heard_event_us = datapath->now_us;
    report(datapath, &(struct event){.kind = EVENT_HEARD, .slot = peer->slot, .endpoint = *from});
}

/* Here and at once, so that liveness and round-trip times do not depend on how busy JavaScript is. */
static void echo(struct datapath *datapath, struct peer *peer, const struct endpoint *from, size_t payload_bytes)
{
    /* A padded one comes back without its padding: the way back may be narrower. */
    if (payload_bytes < PROBE_BYTES) return datapath_drop(datapath, DROP_PACKET_TOO_SHORT);
    outbound_send(datapath, peer, from, PACKET_ECHO, PROBE_BYTES);
}

static void report_echo(struct datapath *datapath, const struct peer *peer, const struct endpoint *from,
                        size_t payload_bytes)
{
    if (payload_bytes != PROBE_BYTES) return datapath_drop(datapath, DROP_PACKET_TOO_SHORT);
    struct probe probe = probe_read(datapath->packet + PACKET_HEADER_BYTES);
    /* The peer could have written any time: what cannot be is cut to what fits. */
    uint64_t now_us = clock_us();
    uint64_t rtt_us = now_us > probe.sent_us ? now_us - probe.sent_us : 0;
    report(datapath, &(struct event){
                         .kind = EVENT_PROBE_REPLY,
                         .slot = peer->slot,
                         .probe_id = probe.id,
                         .rtt_us = rtt_us < UINT32_MAX ? (uint32_t)rtt_us : UINT32_MAX,
                         .endpoint = *from,
                     });
}

static void receive(struct datapath *datapath, size_t packet_bytes, const struct endpoint *from)
{
    struct packet_header header;
    if (stun_is_message(datapath->packet, packet_bytes)) {
        return stun_report(datapath, datapath->packet, packet_bytes, from);
    }
    enum drop_reason reason = packet_read_header(datapath->packet, packet_bytes, &header);
    if (reason != PASS) return datapath_drop(datapath, reason);

    struct peer *peer;
    struct receive_session *session = table_session_by_index(&datapath->table, header.receiver_index, &peer);
    if (session == NULL) return datapath_drop(datapath, DROP_PACKET_UNKNOWN_INDEX);

    size_t payload_bytes = packet_bytes - PACKET_OVERHEAD_BYTES;
    reason = session_open(session, &header, datapath->packet, payload_bytes);
    if (reason != PASS) return datapath_drop(datapath, reason);

    note_sign_of_life(datapath, peer, from);
    if (header.type == PACKET_PROBE) return echo(datapath, peer, from, payload_bytes);
    if (header.type == PACKET_ECHO) return report_echo(datapath, peer, from, payload_bytes);

    traffic_count(&peer->traffic.received, payload_bytes);
    inbound_deliver(datapath, peer, datapath->packet + PACKET_HEADER_BYTES, payload_bytes);
}

static enum drop_reason check_frame(const struct datapath *datapath, const struct peer *peer, const uint8_t *bytes,
                                    size_t length)
{
    if (length < FRAME_HEADER_BYTES) return DROP_FRAME_TOO_SHORT;
    if (length > datapath->max_frame_bytes) return DROP_FRAME_TOO_LONG;
    if (peer == NULL) return PASS;

    struct frame frame = frame_view(bytes, length);
    enum drop_reason reason = source_check(&peer->addresses, &frame);
    if (reason != PASS) return reason;
    bool for_us = mac_is_group(frame.destination) || memcmp(frame.destination, datapath->mac, MAC_BYTES) == 0;
    return for_us ? PASS : DROP_NOT_FOR_THIS_NODE;
}

bool inbound_deliver(struct datapath *datapath, const struct peer *peer, const uint8_t *frame, size_t bytes)
{
    enum drop_reason reason = check_frame(datapath, peer, frame, bytes);
    if (reason == PASS && !tap_write(&datapath->tap, frame, bytes)) reason = DROP_TAP_WRITE_FAILED;
    if (reason != PASS) {
        datapath_drop(datapath, reason);
        return false;
    }
    traffic_count(&datapath->counters.to_tap, bytes);
    return true;
}

/* Faults of the moment that a UDP socket may report from the network or under pressure; it works on after them. */
static bool is_passing(int error)
{
    return error != EBADF && error != ENOTSOCK && error != EINVAL && error != EFAULT;
}

bool inbound_batch(struct datapath *datapath)
{
    for (int count = 0; count < DATAPATH_BATCH; count++) {
        struct endpoint from;
        ssize_t bytes = socket_receive(&datapath->socket, datapath->packet, PACKET_MAX_BYTES, &from);
        if (bytes < 0) return is_passing(errno);
        receive(datapath, (size_t)bytes, &from);
    }
    return true;
}
