/* Peers and sessions: what is found, what is refused, what a replacement keeps. */
#include "table.h"

#include "check.h"

static struct peer_addresses addresses_of(unsigned number)
{
    return (struct peer_addresses){.mac = {2, 0, 0, 0, (uint8_t)(number >> 8), (uint8_t)number},
                                   .ip4 = {10, 64, (uint8_t)(number >> 8), (uint8_t)number}};
}

static enum table_result set_peer(struct table *table, unsigned slot, unsigned number)
{
    struct peer_addresses addresses = addresses_of(number);
    return table_set_peer(table, slot, &addresses);
}

static struct peer *find(const struct table *table, unsigned number)
{
    struct peer_addresses addresses = addresses_of(number);
    return table_peer_by_mac(table, addresses.mac);
}

static enum table_result add_session(struct table *table, unsigned slot, uint32_t index)
{
    struct session_keys keys = {.cipher = AEAD_CHACHA20_POLY1305, .receive_index = index, .send_index = ~index};
    return table_add_session(table, slot, &keys);
}

static int slot_of_index(const struct table *table, uint32_t index)
{
    struct peer *peer = NULL;
    return table_session_by_index(table, index, &peer) == NULL ? -1 : (int)peer->slot;
}

static void finds_peers_by_mac(void)
{
    struct table *table = calloc(1, sizeof *table);
    CHECK(set_peer(table, 0, 7) == TABLE_OK);
    CHECK(set_peer(table, 1023, 8) == TABLE_OK);
    CHECK(find(table, 7)->slot == 0 && find(table, 8)->slot == 1023 && find(table, 9) == NULL);
    table_remove_peer(table, 0);
    table_remove_peer(table, 0);
    CHECK(find(table, 7) == NULL && find(table, 8)->slot == 1023);
    table_clear(table);
    CHECK(find(table, 8) == NULL);
    free(table);
}

static void holds_as_many_peers_as_there_are_slots(void)
{
    struct table *table = calloc(1, sizeof *table);
    for (unsigned slot = 0; slot < TABLE_SLOTS; slot++) CHECK(set_peer(table, slot, slot) == TABLE_OK);
    for (unsigned slot = 0; slot < TABLE_SLOTS; slot++) CHECK(find(table, slot)->slot == slot);
    CHECK(find(table, TABLE_SLOTS) == NULL);
    table_clear(table);
    free(table);
}

static void gives_a_mac_to_one_peer_only(void)
{
    struct table *table = calloc(1, sizeof *table);
    CHECK(set_peer(table, 1, 7) == TABLE_OK);
    CHECK(set_peer(table, 2, 7) == TABLE_MAC_IN_USE);
    CHECK(find(table, 7)->slot == 1 && table->peers[2] == NULL);
    table_clear(table);
    free(table);
}

static void keeps_sessions_of_the_same_node_only(void)
{
    struct table *table = calloc(1, sizeof *table);
    set_peer(table, 1, 7);
    add_session(table, 1, 100);
    CHECK(set_peer(table, 1, 7) == TABLE_OK);
    CHECK(slot_of_index(table, 100) == 1);
    CHECK(set_peer(table, 1, 8) == TABLE_OK);
    CHECK(slot_of_index(table, 100) == -1);
    CHECK(table->peers[1]->sending.aead.context == NULL && !table->peers[1]->has_path);
    table_clear(table);
    free(table);
}

static void receives_on_two_sessions_and_sends_on_the_one_in_use(void)
{
    struct table *table = calloc(1, sizeof *table);
    set_peer(table, 5, 7);
    CHECK(add_session(table, 5, 100) == TABLE_OK);
    CHECK(add_session(table, 5, 200) == TABLE_OK);
    CHECK(slot_of_index(table, 100) == 5 && slot_of_index(table, 200) == 5);
    CHECK(table->peers[5]->sending.index == ~100u);
    table_use_session(table, 5);
    table_use_session(table, 5);
    CHECK(table->peers[5]->sending.index == ~200u);
    CHECK(table->peers[5]->next_sending.aead.context == NULL);
    CHECK(add_session(table, 5, 300) == TABLE_OK);
    CHECK(slot_of_index(table, 100) == -1 && slot_of_index(table, 200) == 5 && slot_of_index(table, 300) == 5);
    table_forget_previous_session(table, 5);
    table_forget_previous_session(table, 5);
    CHECK(slot_of_index(table, 200) == -1 && slot_of_index(table, 300) == 5);
    CHECK(table->peers[5]->sending.index == ~200u);
    table_clear(table);
    free(table);
}

static void refuses_sessions_that_cannot_be_told_apart(void)
{
    struct table *table = calloc(1, sizeof *table);
    CHECK(add_session(table, 1, 100) == TABLE_NO_SUCH_PEER);
    set_peer(table, 1, 7);
    set_peer(table, 2, 8);
    CHECK(add_session(table, 1, 100) == TABLE_OK);
    CHECK(add_session(table, 2, 100) == TABLE_INDEX_IN_USE);
    CHECK(add_session(table, 1, 100) == TABLE_INDEX_IN_USE);
    CHECK(slot_of_index(table, 100) == 1);
    table_clear(table);
    free(table);
}

/* Random changes, against a plain list of who has which MAC and index. */
static void agrees_with_a_plain_list(void)
{
    enum { SLOTS = 32, NUMBERS = 48, INDICES = 64 };
    struct table *table = calloc(1, sizeof *table);
    int number_at[SLOTS], current[SLOTS], previous[SLOTS];
    unsigned disagreements = 0;
    for (int slot = 0; slot < SLOTS; slot++) number_at[slot] = current[slot] = previous[slot] = -1;
    for (int round = 0; round < 20000; round++) {
        unsigned slot = next_random() % SLOTS, number = next_random() % NUMBERS, index = next_random() % INDICES;
        switch (next_random() % 3) {
        case 0:
            if (set_peer(table, slot, number) != TABLE_OK || number_at[slot] == (int)number) break;
            number_at[slot] = (int)number;
            current[slot] = previous[slot] = -1;
            break;
        case 1:
            table_remove_peer(table, slot);
            number_at[slot] = current[slot] = previous[slot] = -1;
            break;
        default:
            if (add_session(table, slot, index) != TABLE_OK) break;
            previous[slot] = current[slot];
            current[slot] = (int)index;
        }
        for (int at = 0; at < SLOTS; at++) {
            if (number_at[at] >= 0) disagreements += find(table, (unsigned)number_at[at]) != table->peers[at];
            if (current[at] >= 0) disagreements += slot_of_index(table, (uint32_t)current[at]) != at;
            if (previous[at] >= 0) disagreements += slot_of_index(table, (uint32_t)previous[at]) != at;
        }
    }
    CHECK(disagreements == 0);
    table_clear(table);
    free(table);
}

RUN_TESTS(TEST(finds_peers_by_mac), TEST(holds_as_many_peers_as_there_are_slots), TEST(gives_a_mac_to_one_peer_only),
          TEST(keeps_sessions_of_the_same_node_only), TEST(receives_on_two_sessions_and_sends_on_the_one_in_use),
          TEST(refuses_sessions_that_cannot_be_told_apart), TEST(agrees_with_a_plain_list))
