/*
 * Who the peers are: by slot (the controller's number), by MAC (outbound) and by receive index (inbound). Each receives
 * on at most two sessions, the newest and the one before, and sends with one of the two: with the newest only once the
 * controller knows that the peer has it as well.
 */
#ifndef TINCAN_TABLE_H
#define TINCAN_TABLE_H

#include "rate_limit.h"
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
    size_t max_frame_bytes; /* that the path carries whole */
    struct send_session sending;
    struct send_session next_sending; /* of the newest session, until it is used; context NULL: there is none */
    /* [0] is the newest session, [1] the one before; NULL where there is none. */
    struct receive_session *receiving[2];
    struct peer_traffic traffic;
    uint64_t last_heard_event_us; /* 0: never */
    struct rate_limit echo_limit;
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

/*
 * Receives on the new session at once, and on the one before until the next call. Sends with the new one at once where
 * there is no other, else from table_use_session on.
 */
enum table_result table_add_session(struct table *table, unsigned slot, const struct session_keys *keys);

/* Sends with the newest session from now on, and wipes the keys that it sent with before. Repeating it does nothing. */
void table_use_session(struct table *table, unsigned slot);

/* Receives on the newest session only, and wipes the keys of the one before. */
void table_forget_previous_session(struct table *table, unsigned slot);

void table_clear(struct table *table);

struct peer *table_peer_by_mac(const struct table *table, const uint8_t mac[MAC_BYTES]);

/* The session that the peer's packets name, and the peer; NULL where no session has this index. */
struct receive_session *table_session_by_index(const struct table *table, uint32_t index, struct peer **peer);

#endif
