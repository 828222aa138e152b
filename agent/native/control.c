#include "control.h"

#include <string.h>

#include "clock.h"
#include "delivery.h"
#include "outbound.h"
#include "probe.h"

static void begin(struct datapath *datapath)
{
    turn_lock_acquire(&datapath->lock);
    datapath->now_us = clock_us();
}

static void end(struct datapath *datapath)
{
    turn_lock_release(&datapath->lock);
}

enum table_result control_set_peer(struct datapath *datapath, unsigned slot, const struct peer_addresses *addresses)
{
    begin(datapath);
    enum table_result result = datapath->closed ? TABLE_OK : table_set_peer(&datapath->table, slot, addresses);
    end(datapath);
    return result;
}

void control_remove_peer(struct datapath *datapath, unsigned slot)
{
    begin(datapath);
    table_remove_peer(&datapath->table, slot);
    end(datapath);
}

enum table_result control_add_session(struct datapath *datapath, unsigned slot, const struct session_keys *keys)
{
    begin(datapath);
    enum table_result result = datapath->closed ? TABLE_OK : table_add_session(&datapath->table, slot, keys);
    end(datapath);
    return result;
}

void control_use_session(struct datapath *datapath, unsigned slot)
{
    begin(datapath);
    table_use_session(&datapath->table, slot);
    end(datapath);
}

void control_forget_previous_session(struct datapath *datapath, unsigned slot)
{
    begin(datapath);
    table_forget_previous_session(&datapath->table, slot);
    end(datapath);
}

enum table_result control_set_path(struct datapath *datapath, unsigned slot, const struct endpoint *path,
                                   size_t max_frame_bytes)
{
    begin(datapath);
    struct peer *peer = datapath->table.peers[slot];
    if (peer != NULL) {
        peer->has_path = path != NULL;
        peer->max_frame_bytes = max_frame_bytes;
        if (path != NULL) peer->path = *path;
    }
    bool fault = peer == NULL && path != NULL && !datapath->closed;
    end(datapath);
    return fault ? TABLE_NO_SUCH_PEER : TABLE_OK;
}

static enum drop_reason check_frame(const struct datapath *datapath, const struct peer *peer, size_t bytes)
{
    if (bytes < FRAME_HEADER_BYTES) return DROP_FRAME_TOO_SHORT;
    if (bytes > datapath->max_frame_bytes) return DROP_FRAME_TOO_LONG;
    return peer == NULL || !peer->has_path ? DROP_NO_PATH : PASS;
}

static bool send_frame(struct datapath *datapath, struct peer *peer, const uint8_t *frame, size_t bytes)
{
    enum drop_reason reason = check_frame(datapath, peer, bytes);
    if (reason != PASS) {
        datapath_drop(datapath, reason);
        return false;
    }
    memcpy(datapath->packet + PACKET_HEADER_BYTES, frame, bytes);
    return outbound_send_frame(datapath, peer, bytes);
}

bool control_send_frame(struct datapath *datapath, unsigned slot, const uint8_t *frame, size_t bytes)
{
    begin(datapath);
    bool sent = send_frame(datapath, datapath->table.peers[slot], frame, bytes);
    end(datapath);
    return sent;
}

static bool deliver(struct datapath *datapath, int slot, const uint8_t *frame, size_t bytes)
{
    const struct peer *peer = slot < 0 ? NULL : datapath->table.peers[slot];
    if (slot >= 0 && peer == NULL) {
        /* Nobody whose addresses the frame could bear. */
        datapath_drop(datapath, DROP_SOURCE_MAC_MISMATCH);
        return false;
    }
    return delivery_deliver(datapath, peer, frame, bytes);
}

bool control_deliver(struct datapath *datapath, int slot, const uint8_t *frame, size_t bytes)
{
    begin(datapath);
    bool delivered = deliver(datapath, slot, frame, bytes);
    end(datapath);
    return delivered;
}

void control_deliver_bundle(struct datapath *datapath, unsigned slot, const uint8_t *bundle, size_t bytes)
{
    begin(datapath);
    const struct peer *peer = datapath->table.peers[slot];
    if (peer != NULL) delivery_deliver_bundle(datapath, peer, bundle, bytes);
    else datapath_drop(datapath, DROP_SOURCE_MAC_MISMATCH);
    end(datapath);
}

void control_send_probe(struct datapath *datapath, unsigned slot, const struct endpoint *to, uint32_t id,
                        size_t frame_bytes)
{
    begin(datapath);
    probe_send(datapath, datapath->table.peers[slot], to, id, frame_bytes);
    end(datapath);
}

void control_send_stun(struct datapath *datapath, const struct endpoint *to, const uint8_t *message, size_t bytes)
{
    begin(datapath);
    bool sent = !datapath->closed && socket_send(&datapath->socket, to, message, bytes);
    if (!sent) datapath_drop(datapath, DROP_SEND_FAILED);
    end(datapath);
}

void control_snapshot(struct datapath *datapath, struct datapath_snapshot *snapshot)
{
    begin(datapath);
    snapshot->counters = datapath->counters;
    snapshot->now_us = datapath->now_us;
    snapshot->turns = datapath->turns;
    snapshot->peer_count = 0;
    for (unsigned slot = 0; slot < TABLE_SLOTS; slot++) {
        const struct peer *peer = datapath->table.peers[slot];
        if (peer == NULL) continue;
        snapshot->peers[snapshot->peer_count++] = (struct peer_snapshot){
            .slot = slot,
            .traffic = peer->traffic,
            .sealed_packets = peer->sending.counter,
        };
    }
    end(datapath);
}
