/*
 * A frame's way from the TAP to a peer. With offloads the kernel hands over super-frames: TCP and UDP of up to 64 KiB
 * that are yet to be cut to the MTU. Where one goes is decided once, and its pieces go there:
 *
 *  1. read it                                                tap.c
 *  2. drop it where it is no whole frame                     frame-too-short, frame-too-long, frame-not-segmentable
 *  3. who asks for a neighbour is answered by the controller -> event `neighbour`
 *  4. broadcast and multicast are the controller's           -> event `flood`
 *  5. find the peer by its MAC                               table.c, else -> event `unknown-destination`
 *  6. a peer without a path is reached another way           -> event `slow-path`
 *  7. what its path does not carry whole, neither            -> event `oversize`
 *  8. cut it into pieces where it stands                     segment.c
 *  9. seal each into the outbox                              session.c, outbox.c, counter-exhausted
 * 10. send what is together by now                           socket_outbox.c, send-failed
 *
 * A batch of small frames is sent at its end. What a super-frame became is sent before the next is read: the peer opens
 * it on its core while this one seals on, and TCP, whose window is a few super-frames, has its acknowledgements sooner.
 */
#include "outbound.h"

#include "segment.h"

/* The controller gets whole frames only: the pieces, one event each. */
static void report(struct datapath *datapath, enum event_kind kind, unsigned slot, struct segmenter *pieces)
{
    bool of_peer = kind == EVENT_SLOW_PATH || kind == EVENT_OVERSIZE;
    unsigned source = of_peer ? slot : EVENT_SOURCE_SLOTS + (unsigned)kind;
    for (size_t bytes; (bytes = segmenter_next_bytes(pieces)) > 0;) {
        struct event event = {.kind = kind, .frame_bytes = (uint32_t)bytes, .slot = slot};
        const uint8_t *frame = segmenter_next(pieces, CHECKSUMS_DONE);
        if (!event_ring_push_fairly(&datapath->ring, source, &event, frame)) datapath_drop(datapath, DROP_EVENT_RING_FULL);
    }
}

static bool has_fast_path(const struct peer *peer)
{
    return peer->has_path && peer->sending.aead.context != NULL;
}

static void send_outbox(struct datapath *datapath)
{
    unsigned lost = socket_send_outbox(&datapath->socket, &datapath->outbox);
    datapath->counters.drops[DROP_SEND_FAILED] += lost;
}

static void seal(struct datapath *datapath, struct peer *peer, struct segmenter *pieces)
{
    struct outbox *outbox = &datapath->outbox;
    unsigned together = socket_packets_together(&datapath->socket);
    enum packet_type type = pieces->summable_later ? PACKET_UNSUMMED_FRAME : PACKET_FRAME;
    for (size_t bytes; (bytes = segmenter_next_bytes(pieces)) > 0;) {
        size_t packet_bytes = bytes + PACKET_OVERHEAD_BYTES;
        uint8_t *packet = outbox_room(outbox, packet_bytes);
        if (packet == NULL) {
            send_outbox(datapath);
            packet = outbox_room(outbox, packet_bytes);
        }
        const uint8_t *frame = segmenter_next(pieces, CHECKSUMS_LEFT);
        enum drop_reason reason = session_seal(&peer->sending, type, frame, bytes, packet);
        if (reason != PASS) {
            datapath_drop(datapath, reason);
            continue;
        }
        outbox_add(outbox, &peer->path, packet_bytes, together);
        traffic_count(&peer->traffic.sent, bytes);
        peer->traffic.last_sent_us = datapath->now_us;
    }
}

static void forward(struct datapath *datapath, size_t frame_bytes)
{
    struct segmenter pieces;
    if (frame_bytes < FRAME_HEADER_BYTES) return datapath_drop(datapath, DROP_FRAME_TOO_SHORT);
    if (!segmenter_init(&pieces, &datapath->frame, frame_bytes)) {
        return datapath_drop(datapath, DROP_FRAME_NOT_SEGMENTABLE);
    }
    if (segmenter_most_bytes(&pieces) > datapath->max_frame_bytes) return datapath_drop(datapath, DROP_FRAME_TOO_LONG);

    struct frame frame = frame_view(datapath->frame.bytes, frame_bytes);
    if (frame_asks_for_neighbour(&frame)) return report(datapath, EVENT_NEIGHBOUR, 0, &pieces);
    if (mac_is_group(frame.destination)) return report(datapath, EVENT_FLOOD, 0, &pieces);

    struct peer *peer = table_peer_by_mac(&datapath->table, frame.destination);
    if (peer == NULL) return report(datapath, EVENT_UNKNOWN_DESTINATION, 0, &pieces);
    if (!has_fast_path(peer)) return report(datapath, EVENT_SLOW_PATH, peer->slot, &pieces);

    if (segmenter_most_bytes(&pieces) > peer->max_frame_bytes) {
        return report(datapath, EVENT_OVERSIZE, peer->slot, &pieces);
    }
    seal(datapath, peer, &pieces);
}

bool outbound_send_frame(struct datapath *datapath, struct peer *peer, size_t frame_bytes)
{
    if (!outbound_send(datapath, peer, &peer->path, PACKET_FRAME, frame_bytes)) return false;
    traffic_count(&peer->traffic.sent, frame_bytes);
    peer->traffic.last_sent_us = datapath->now_us;
    return true;
}

bool outbound_send(struct datapath *datapath, struct peer *peer, const struct endpoint *to, enum packet_type type,
                   size_t payload_bytes)
{
    uint8_t *packet = datapath->packet;
    enum drop_reason reason = session_seal(&peer->sending, type, packet + PACKET_HEADER_BYTES, payload_bytes, packet);
    size_t packet_bytes = payload_bytes + PACKET_OVERHEAD_BYTES;
    if (reason == PASS && !socket_send(&datapath->socket, to, packet, packet_bytes)) reason = DROP_SEND_FAILED;
    if (reason != PASS) datapath_drop(datapath, reason);
    return reason == PASS;
}

bool outbound_batch(struct datapath *datapath)
{
    size_t carried_bytes = 0;
    bool usable = true;
    for (int count = 0; count < DATAPATH_BATCH && carried_bytes < DATAPATH_BATCH_BYTES; count++) {
        ssize_t bytes = tap_read(&datapath->tap, &datapath->frame);
        if (bytes < 0) {
            usable = errno == EAGAIN || errno == EINTR;
            break;
        }
        traffic_count(&datapath->counters.from_tap, (size_t)bytes);
        forward(datapath, (size_t)bytes);
        carried_bytes += (size_t)bytes;
        if (datapath->outbox.used >= OUTBOX_FULL_BYTES) send_outbox(datapath);
    }
    int error = errno;
    send_outbox(datapath);
    errno = error;
    return usable;
}
