/*
 * What the controller may do to a datapath, from its own thread; the C side of agent/ports/datapath.ts. Arguments are
 * checked already (slots below TABLE_SLOTS). On a closed datapath changes do nothing and sending answers false.
 */
#ifndef TINCAN_CONTROL_H
#define TINCAN_CONTROL_H

#include "datapath.h"

struct peer_snapshot {
    unsigned slot;
    struct peer_traffic traffic;
    uint64_t sealed_packets; /* with the keys that it sends with now */
};

struct datapath_snapshot {
    struct counters counters;
    uint64_t now_us;
    uint64_t turns;
    unsigned peer_count;
    struct peer_snapshot peers[TABLE_SLOTS];
};

enum table_result control_set_peer(struct datapath *datapath, unsigned slot, const struct peer_addresses *addresses);
void control_remove_peer(struct datapath *datapath, unsigned slot);
enum table_result control_add_session(struct datapath *datapath, unsigned slot, const struct session_keys *keys);

void control_use_session(struct datapath *datapath, unsigned slot);
void control_forget_previous_session(struct datapath *datapath, unsigned slot);

/* NULL takes the path away, which is no fault where there is no such peer. Larger frames than `max_frame_bytes` come up. */
enum table_result control_set_path(struct datapath *datapath, unsigned slot, const struct endpoint *path,
                                   size_t max_frame_bytes);

bool control_send_frame(struct datapath *datapath, unsigned slot, const uint8_t *frame, size_t bytes);

/* `slot` -1: a frame that the controller made itself. */
bool control_deliver(struct datapath *datapath, int slot, const uint8_t *frame, size_t bytes);

/* Frames that came from the peer by another way than its packets; delivery.h says how they stand in the bundle. */
void control_deliver_bundle(struct datapath *datapath, unsigned slot, const uint8_t *bundle, size_t bytes);

/* `frame_bytes` 0: as short as can be; else as long as a packet with such a frame, and whole or not at all (probe.c). */
void control_send_probe(struct datapath *datapath, unsigned slot, const struct endpoint *to, uint32_t id,
                        size_t frame_bytes);

/* Plain bytes out of the datapath's own port: what a STUN server is to see is the address of this very socket. */
void control_send_stun(struct datapath *datapath, const struct endpoint *to, const uint8_t *message, size_t bytes);

void control_snapshot(struct datapath *datapath, struct datapath_snapshot *snapshot);

#endif
