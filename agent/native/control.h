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
};

struct datapath_snapshot {
    struct counters counters;
    uint64_t now_us;
    unsigned peer_count;
    struct peer_snapshot peers[TABLE_SLOTS];
};

enum table_result control_set_peer(struct datapath *datapath, unsigned slot, const struct peer_addresses *addresses);
void control_remove_peer(struct datapath *datapath, unsigned slot);
enum table_result control_add_session(struct datapath *datapath, unsigned slot, const struct session_keys *keys);

/* NULL takes the path away, which is no fault where there is no such peer. */
enum table_result control_set_path(struct datapath *datapath, unsigned slot, const struct endpoint *path);

bool control_send_frame(struct datapath *datapath, unsigned slot, const uint8_t *frame, size_t bytes);

/* `slot` -1: a frame that the controller made itself. */
bool control_deliver(struct datapath *datapath, int slot, const uint8_t *frame, size_t bytes);

void control_send_probe(struct datapath *datapath, unsigned slot, const struct endpoint *to, uint32_t id);

void control_snapshot(struct datapath *datapath, struct datapath_snapshot *snapshot);

#endif
