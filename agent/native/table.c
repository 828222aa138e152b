#include "table.h"

#include <stdlib.h>
#include <string.h>

/* Knuth's multiplicative hash. Nobody outside chooses what is hashed: MACs are signed, receive indices are ours. */
static unsigned hash_u32(uint32_t value, unsigned cells)
{
    return (value * UINT32_C(2654435769)) >> 16 & (cells - 1);
}

static unsigned hash_mac(const uint8_t *mac)
{
    uint32_t tail;
    memcpy(&tail, mac + MAC_BYTES - sizeof tail, sizeof tail);
    return hash_u32(tail, TABLE_MAC_CELLS);
}

static void insert(table_cell *cells, unsigned size, unsigned at, unsigned value)
{
    while (cells[at] != 0) at = (at + 1) & (size - 1);
    cells[at] = (table_cell)(value + 1);
}

/* Peers and sessions change a few times a minute, frames come by the million: so removal is a fresh start. */
static void rebuild(struct table *table)
{
    memset(table->by_mac, 0, sizeof table->by_mac);
    memset(table->by_index, 0, sizeof table->by_index);
    for (unsigned slot = 0; slot < TABLE_SLOTS; slot++) {
        const struct peer *peer = table->peers[slot];
        if (peer == NULL) continue;
        insert(table->by_mac, TABLE_MAC_CELLS, hash_mac(peer->addresses.mac), slot);
        for (unsigned which = 0; which < 2; which++) {
            const struct receive_session *session = peer->receiving[which];
            if (session == NULL) continue;
            insert(table->by_index, TABLE_INDEX_CELLS, hash_u32(session->index, TABLE_INDEX_CELLS), 2 * slot + which);
        }
    }
}

struct peer *table_peer_by_mac(const struct table *table, const uint8_t mac[MAC_BYTES])
{
    for (unsigned at = hash_mac(mac); table->by_mac[at] != 0; at = (at + 1) & (TABLE_MAC_CELLS - 1)) {
        struct peer *peer = table->peers[table->by_mac[at] - 1];
        if (memcmp(peer->addresses.mac, mac, MAC_BYTES) == 0) return peer;
    }
    return NULL;
}

struct receive_session *table_session_by_index(const struct table *table, uint32_t index, struct peer **peer)
{
    unsigned at = hash_u32(index, TABLE_INDEX_CELLS);
    for (; table->by_index[at] != 0; at = (at + 1) & (TABLE_INDEX_CELLS - 1)) {
        unsigned value = table->by_index[at] - 1u;
        struct peer *owner = table->peers[value / 2];
        if (owner->receiving[value % 2]->index != index) continue;
        *peer = owner;
        return owner->receiving[value % 2];
    }
    return NULL;
}

static void free_receiving(struct receive_session *session)
{
    if (session == NULL) return;
    receive_session_clear(session);
    free(session);
}

static void free_peer(struct peer *peer)
{
    send_session_clear(&peer->sending);
    send_session_clear(&peer->next_sending);
    free_receiving(peer->receiving[0]);
    free_receiving(peer->receiving[1]);
    free(peer);
}

enum table_result table_set_peer(struct table *table, unsigned slot, const struct peer_addresses *addresses)
{
    struct peer *holder = table_peer_by_mac(table, addresses->mac);
    if (holder != NULL && holder->slot != slot) return TABLE_MAC_IN_USE;
    if (holder != NULL) {
        holder->addresses = *addresses;
        return TABLE_OK;
    }

    struct peer *peer = calloc(1, sizeof *peer);
    if (peer == NULL) return TABLE_NO_MEMORY;
    peer->slot = slot;
    peer->addresses = *addresses;
    if (table->peers[slot] != NULL) free_peer(table->peers[slot]);
    table->peers[slot] = peer;
    rebuild(table);
    return TABLE_OK;
}

void table_remove_peer(struct table *table, unsigned slot)
{
    if (table->peers[slot] == NULL) return;
    free_peer(table->peers[slot]);
    table->peers[slot] = NULL;
    rebuild(table);
}

enum table_result table_add_session(struct table *table, unsigned slot, const struct session_keys *keys)
{
    struct peer *peer = table->peers[slot];
    struct peer *holder;
    if (peer == NULL) return TABLE_NO_SUCH_PEER;
    if (table_session_by_index(table, keys->receive_index, &holder) != NULL) return TABLE_INDEX_IN_USE;

    struct send_session sending;
    struct receive_session *receiving = malloc(sizeof *receiving);
    if (receiving == NULL) return TABLE_NO_MEMORY;
    if (!receive_session_init(receiving, keys)) {
        free(receiving);
        return TABLE_NO_MEMORY;
    }
    if (!send_session_init(&sending, keys)) {
        free_receiving(receiving);
        return TABLE_NO_MEMORY;
    }

    struct send_session *place = peer->sending.aead.context == NULL ? &peer->sending : &peer->next_sending;
    send_session_clear(place);
    *place = sending;
    free_receiving(peer->receiving[1]);
    peer->receiving[1] = peer->receiving[0];
    peer->receiving[0] = receiving;
    rebuild(table);
    return TABLE_OK;
}

void table_use_session(struct table *table, unsigned slot)
{
    struct peer *peer = table->peers[slot];
    if (peer == NULL || peer->next_sending.aead.context == NULL) return;
    send_session_clear(&peer->sending);
    peer->sending = peer->next_sending;
    peer->next_sending = (struct send_session){0};
}

void table_forget_previous_session(struct table *table, unsigned slot)
{
    struct peer *peer = table->peers[slot];
    if (peer == NULL || peer->receiving[1] == NULL) return;
    free_receiving(peer->receiving[1]);
    peer->receiving[1] = NULL;
    rebuild(table);
}

void table_clear(struct table *table)
{
    for (unsigned slot = 0; slot < TABLE_SLOTS; slot++) {
        if (table->peers[slot] != NULL) free_peer(table->peers[slot]);
    }
    memset(table, 0, sizeof *table);
}
