/*
 * Who the peers are: by slot (the controller's number), by MAC (outbound) and by receive index (inbound). Each has at
 * most one session to send with and two to receive on, the current and the previous one.
 */
#ifndef TINCAN_TABLE_H
#define TINCAN_TABLE_H

#include "session.h"
#include "source_check.h"
#include "traffic.h"

enum {
    TABLE_SLOTS = 1024,
    /* Powers of two, at most half full: one MAC and two receive indices a peer. */
    TABLE_MAC_CELLS = 2 * TABLE_SLOTS,
    TABLE_INDEX_CELLS = 4 * TABLE_SLOTS,
};

struct peer {
    unsigned slot;
    struct peer_addresses addresses;
    bool has_path;
    struct endpoint path;
    struct send_session sending;
    /* [0] is the current session, [1] the previous one; NULL where there is none. */
    struct receive_session *receiving[2];
    struct peer_traffic traffic;
    uint64_t last_heard_event_us; /* 0: never */
};

/* A cell of the two hash tables: 0 is empty, else 1 + slot (by_mac) or 1 + 2 * slot + which session (by_index). */
typedef uint16_t table_cell;

/* All zero is an empty table. */
struct table {
    struct peer *peers[TABLE_SLOTS];
    table_cell by_mac[TABLE_MAC_CELLS];
    table_cell by_index[TABLE_INDEX_CELLS];
};

enum table_result {
    TABLE_OK,
    TABLE_NO_MEMORY,
    TABLE_NO_SUCH_PEER,
    TABLE_MAC_IN_USE,
    TABLE_INDEX_IN_USE,
};

/*
 * Adds a peer, or gives an existing one new addresses. Under the same MAC it stays the same node and keeps its
 * sessions and path; another MAC is another node, which starts with none.
 */
enum table_result table_set_peer(struct table *table, unsigned slot, const struct peer_addresses *addresses);

/* Wipes the keys. A slot without a peer is left as it is. */
void table_remove_peer(struct table *table, unsigned slot);

/* Sends with the new keys at once; receives on the session before as well, until the next call. */
enum table_result table_add_session(struct table *table, unsigned slot, const struct session_keys *keys);

void table_clear(struct table *table);

struct peer *table_peer_by_mac(const struct table *table, const uint8_t mac[MAC_BYTES]);

/* The session that the peer's packets name, and the peer; NULL where no session has this index. */
struct receive_session *table_session_by_index(const struct table *table, uint32_t index, struct peer **peer);

#endif
