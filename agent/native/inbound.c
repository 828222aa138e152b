/*
 * A packet's way from a peer to the TAP. With offloads the kernel hands over packets of one size that arrived together,
 * and takes frames of one flow joined to a super-frame; every packet is checked by itself. From step 7 on: delivery.c.
 *
 *  1. receive what waits                          socket.c, socket-overflow; STUN messages leave here: stun.c, stun-limit
 *  2. read a packet's header                      packet.c, packet-too-short, packet-unknown-type
 *  3. find the session that it names              table.c, packet-unknown-index
 *  4. refuse sources of forgeries, and replays    forgery_limit.h, forgery-limit; session.c, packet-replayed
 *     open it, a frame where it may stay          packet-not-authentic; coalesce.c
 *  5. note the sign of life, and a new endpoint   -> event `heard`: the controller decides where frames go
 *  6. a probe goes back to where it came from; an echo -> event `probe-reply`, echo-limit
 *  7. a frame must be whole                       frame-too-short, frame-too-long, frame-not-summable
 *  8. must speak for its peer alone               source_check.c, source-mac-mismatch, source-ip-mismatch
 *  9. and be meant for us                         not-for-this-node
 * 10. it joins the frames before it where it continues them, else those are written first     coalesce.c
 * 11. what is joined is written as soon as it is long, so that its receiver works on it while the next is opened; at
 *     the end of the batch, the rest              tap.c, tap-write-failed
 */
#include "inbound.h"

#include <string.h>

#include "clock.h"
#include "delivery.h"
#include "outbound.h"
#include "stun.h"

/* A peer that moves sends thousands of packets from its new place before the controller has looked at the first. */
enum { HEARD_EVENT_EVERY_US = 1000000 };

/* More than all endpoints of a peer and the search for the path's MTU are ever probed; echoes of no probe are a peer's fault. */
enum { ECHO_EVENTS_PER_SECOND = 200 };

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
static void echo(struct datapath *datapath, struct peer *peer, const struct endpoint *from, const uint8_t *payload,
                 size_t payload_bytes)
{
    /* A padded one comes back without its padding: the way back may be narrower. */
    if (payload_bytes < PROBE_BYTES) return datapath_drop(datapath, DROP_PACKET_TOO_SHORT);
    memcpy(datapath->packet + PACKET_HEADER_BYTES, payload, PROBE_BYTES);
    outbound_send(datapath, peer, from, PACKET_ECHO, PROBE_BYTES);
}

static void report_echo(struct datapath *datapath, struct peer *peer, const struct endpoint *from,
                        const uint8_t *payload, size_t payload_bytes)
{
    if (payload_bytes != PROBE_BYTES) return datapath_drop(datapath, DROP_PACKET_TOO_SHORT);
    if (!rate_limit_pass(&peer->echo_limit, datapath->now_us, ECHO_EVENTS_PER_SECOND)) {
        return datapath_drop(datapath, DROP_ECHO_LIMIT);
    }
    struct probe probe = probe_read(payload);
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

/* A packet on its way in. */
struct incoming {
    struct packet_header header;
    const uint8_t *packet;
    uint8_t *payload; /* where it is opened */
    size_t payload_bytes;
    const struct endpoint *from;
};

/* Opens what may be opened. Where the peer is reached everything may: it must not be cut off by who borrows its address. */
static enum drop_reason open_packet(struct datapath *datapath, const struct peer *peer, struct receive_session *session,
                                    const struct incoming *incoming)
{
    const struct endpoint *from = incoming->from;
    bool on_path = peer->has_path && endpoint_equals(&peer->path, from);
    if (!on_path && forgery_limit_refuses(&datapath->forgery_limit, from, datapath->now_us)) return DROP_FORGERY_LIMIT;
    enum drop_reason reason =
        session_open(session, &incoming->header, incoming->packet, incoming->payload, incoming->payload_bytes);
    bool forged = reason == DROP_PACKET_NOT_AUTHENTIC;
    if (!on_path && forged) forgery_limit_count(&datapath->forgery_limit, from, datapath->now_us);
    return reason;
}

static void take_payload(struct datapath *datapath, struct peer *peer, const struct incoming *incoming)
{
    enum packet_type type = incoming->header.type;
    const struct endpoint *from = incoming->from;
    note_sign_of_life(datapath, peer, from);
    if (type == PACKET_PROBE) return echo(datapath, peer, from, incoming->payload, incoming->payload_bytes);
    if (type == PACKET_ECHO) return report_echo(datapath, peer, from, incoming->payload, incoming->payload_bytes);

    traffic_count(&peer->traffic.received, incoming->payload_bytes);
    delivery_take_frame(datapath, peer, incoming->payload, incoming->payload_bytes, type == PACKET_UNSUMMED_FRAME);
}

static void receive(struct datapath *datapath, uint8_t *packet, size_t packet_bytes, const struct endpoint *from)
{
    struct incoming incoming = {.packet = packet, .payload = packet + PACKET_HEADER_BYTES, .from = from};
    if (stun_is_message(packet, packet_bytes)) return stun_report(datapath, packet, packet_bytes, from);
    enum drop_reason reason = packet_read_header(packet, packet_bytes, &incoming.header);
    if (reason != PASS) return datapath_drop(datapath, reason);

    struct peer *peer;
    struct receive_session *session = table_session_by_index(&datapath->table, incoming.header.receiver_index, &peer);
    if (session == NULL) return datapath_drop(datapath, DROP_PACKET_UNKNOWN_INDEX);

    incoming.payload_bytes = packet_bytes - PACKET_OVERHEAD_BYTES;
    if (packet_bears_frame(&incoming.header)) incoming.payload = delivery_room(datapath, incoming.payload_bytes);
    reason = open_packet(datapath, peer, session, &incoming);
    if (reason == PASS) return take_payload(datapath, peer, &incoming);
    run_clear_room(&datapath->run);
    datapath_drop(datapath, reason);
}

static void receive_each(struct datapath *datapath, const struct received *received)
{
    datapath->counters.drops[DROP_SOCKET_OVERFLOW] += received->overflowed;
    size_t at = 0;
    do {
        size_t left = received->bytes - at;
        size_t packet_bytes = left < received->packet_bytes ? left : received->packet_bytes;
        receive(datapath, datapath->received + at, packet_bytes, &received->from);
        at += packet_bytes;
    } while (at < received->bytes);
}

/* Faults of the moment that a UDP socket may report from the network or under pressure; it works on after them. */
static bool is_passing(int error)
{
    return error != EBADF && error != ENOTSOCK && error != EINVAL && error != EFAULT;
}

bool inbound_batch(struct datapath *datapath)
{
    size_t carried_bytes = 0;
    bool usable = true;
    for (int count = 0; count < DATAPATH_BATCH && carried_bytes < DATAPATH_BATCH_BYTES; count++) {
        struct received received;
        if (!socket_receive(&datapath->socket, datapath->received, RECEIVED_MAX_BYTES, &received)) {
            usable = is_passing(errno);
            break;
        }
        receive_each(datapath, &received);
        carried_bytes += received.bytes;
        delivery_write_full_run(datapath);
    }
    int error = errno;
    delivery_write_run(datapath);
    errno = error;
    return usable;
}
