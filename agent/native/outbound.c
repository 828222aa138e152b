/*
 * A frame's way from the TAP to a peer:
 *
 *  1. read it, behind the room for a packet's header         tap.c
 *  2. drop it where it is no whole frame                     frame-too-short, frame-too-long
 *  3. who asks for a neighbour is answered by the controller -> event `neighbour`
 *  4. broadcast and multicast are the controller's           -> event `flood`
 *  5. find the peer by its MAC                               table.c, else -> event `unknown-destination`
 *  6. a peer without a path is reached another way           -> event `slow-path`
 *  7. what its path does not carry whole, neither        -> event `oversize`
 *  8. seal it in place                                       session.c, counter-exhausted
 *  9. send it                                                socket.c, send-failed
 */
#include "outbound.h"

static void report(struct datapath *datapath, enum event_kind kind, unsigned slot, size_t frame_bytes)
{
    struct event event = {.kind = kind, .frame_bytes = (uint32_t)frame_bytes, .slot = slot};
    bool pushed = event_ring_push(&datapath->ring, &event, datapath->packet + PACKET_HEADER_BYTES);
    if (!pushed) datapath_drop(datapath, DROP_EVENT_RING_FULL);
}

static bool has_fast_path(const struct peer *peer)
{
    return peer->has_path && peer->sending.aead.context != NULL;
}

static void forward(struct datapath *datapath, size_t frame_bytes)
{
    if (frame_bytes < FRAME_HEADER_BYTES) return datapath_drop(datapath, DROP_FRAME_TOO_SHORT);
    if (frame_bytes > datapath->max_frame_bytes) return datapath_drop(datapath, DROP_FRAME_TOO_LONG);

    struct frame frame = frame_view(datapath->packet + PACKET_HEADER_BYTES, frame_bytes);
    if (frame_asks_for_neighbour(&frame)) return report(datapath, EVENT_NEIGHBOUR, 0, frame_bytes);
    if (mac_is_group(frame.destination)) return report(datapath, EVENT_FLOOD, 0, frame_bytes);

    struct peer *peer = table_peer_by_mac(&datapath->table, frame.destination);
    if (peer == NULL) return report(datapath, EVENT_UNKNOWN_DESTINATION, 0, frame_bytes);
    if (!has_fast_path(peer)) return report(datapath, EVENT_SLOW_PATH, peer->slot, frame_bytes);

    if (frame_bytes > peer->max_frame_bytes) return report(datapath, EVENT_OVERSIZE, peer->slot, frame_bytes);

    outbound_send_frame(datapath, peer, frame_bytes);
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
    enum drop_reason reason = session_seal(&peer->sending, type, datapath->packet, payload_bytes);
    size_t packet_bytes = payload_bytes + PACKET_OVERHEAD_BYTES;
    if (reason == PASS && !socket_send(&datapath->socket, to, datapath->packet, packet_bytes)) reason = DROP_SEND_FAILED;
    if (reason != PASS) datapath_drop(datapath, reason);
    return reason == PASS;
}

bool outbound_batch(struct datapath *datapath)
{
    for (int count = 0; count < DATAPATH_BATCH; count++) {
        ssize_t bytes = tap_read(&datapath->tap, datapath->packet + PACKET_HEADER_BYTES, FRAME_MAX_BYTES);
        if (bytes < 0) return errno == EAGAIN || errno == EINTR;
        traffic_count(&datapath->counters.from_tap, (size_t)bytes);
        forward(datapath, (size_t)bytes);
    }
    return true;
}
