/*
 * Two datapaths over real UDP on the loopback, with a socket pair in place of each TAP: tests make the same calls as
 * the thread does, one batch at a time, so that every step and every drop can be looked at.
 */
#ifndef TINCAN_TEST_NODE_PAIR_H
#define TINCAN_TEST_NODE_PAIR_H

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "control.h"
#include "datapath.h"
#include "inbound.h"
#include "outbound.h"

enum { MTU = 1280 };

struct node {
    struct datapath *datapath;
    int kernel; /* the other end of the TAP */
    struct peer_addresses addresses;
    struct endpoint endpoint;
};

__attribute__((unused)) static void ignore_wake(void *context)
{
    (void)context;
}

__attribute__((unused)) static struct node make_node(uint8_t number)
{
    int pair[2];
    struct fault fault;
    struct node node = {.datapath = calloc(1, sizeof(struct datapath))};
    node.addresses = (struct peer_addresses){.mac = {2, 0, 0, 0, 0, number}, .ip4 = {10, 64, 0, number}};
    CHECK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair) == 0);
    turn_lock_init(&node.datapath->lock);
    node.datapath->wake = ignore_wake;
    node.datapath->poll = node.datapath->stop_event = -1;
    node.datapath->tap.fd = pair[0];
    node.datapath->now_us = 1;
    node.datapath->max_frame_bytes = MTU + FRAME_HEADER_BYTES + VLAN_TAG_BYTES;
    memcpy(node.datapath->interface.mac, node.addresses.mac, MAC_BYTES);
    CHECK(event_ring_init(&node.datapath->ring));
    CHECK(socket_open(&node.datapath->socket, 0, true, &fault));
    CHECK(endpoint_parse("127.0.0.1", node.datapath->socket.port, &node.endpoint));
    node.kernel = pair[1];
    return node;
}

__attribute__((unused)) static void free_node(struct node *node)
{
    close(node->kernel);
    datapath_free(node->datapath);
}

__attribute__((unused)) static struct session_keys keys_between(uint32_t ours, uint32_t theirs)
{
    struct session_keys keys = {.cipher = AEAD_AES_256_GCM, .receive_index = ours, .send_index = theirs};
    memset(keys.receive_key, (int)ours, AEAD_KEY_BYTES);
    memset(keys.send_key, (int)theirs, AEAD_KEY_BYTES);
    return keys;
}

/* Slot 4 of `one` is `other`, with a session and a path. */
__attribute__((unused)) static void introduce(struct node *one, const struct node *other, uint32_t ours,
                                              uint32_t theirs)
{
    struct session_keys keys = keys_between(ours, theirs);
    CHECK(control_set_peer(one->datapath, 4, &other->addresses) == TABLE_OK);
    CHECK(control_add_session(one->datapath, 4, &keys) == TABLE_OK);
    CHECK(control_set_path(one->datapath, 4, &other->endpoint, FRAME_MAX_BYTES) == TABLE_OK);
}

struct pair {
    struct node a, b;
};

__attribute__((unused)) static struct pair make_pair(void)
{
    struct pair pair = {make_node(1), make_node(2)};
    introduce(&pair.a, &pair.b, 11, 22);
    introduce(&pair.b, &pair.a, 22, 11);
    return pair;
}

__attribute__((unused)) static void free_pair(struct pair *pair)
{
    free_node(&pair->a);
    free_node(&pair->b);
}

/* An IPv4 frame of `bytes` bytes. */
__attribute__((unused)) static void make_frame(uint8_t *frame, size_t bytes, const struct node *from, const uint8_t *to)
{
    memset(frame, 0x5a, bytes);
    memcpy(frame, to, MAC_BYTES);
    memcpy(frame + 6, from->addresses.mac, MAC_BYTES);
    frame[12] = 0x08;
    frame[13] = 0x00;
    memcpy(frame + FRAME_HEADER_BYTES + 12, from->addresses.ip4, IP4_BYTES);
}

__attribute__((unused)) static void out_of_kernel(struct node *node, const uint8_t *frame, size_t bytes)
{
    CHECK(write(node->kernel, frame, bytes) == (ssize_t)bytes);
    CHECK(outbound_batch(node->datapath));
}

/* The loopback delivers before sendto returns; waiting is for the machine that does not. */
__attribute__((unused)) static void take_packets(struct node *node)
{
    struct pollfd readable = {.fd = node->datapath->socket.fd, .events = POLLIN};
    poll(&readable, 1, 1000);
    CHECK(inbound_batch(node->datapath));
}

__attribute__((unused)) static ssize_t into_kernel(struct node *node, uint8_t *frame)
{
    return read(node->kernel, frame, FRAME_MAX_BYTES);
}

__attribute__((unused)) static uint64_t drops(const struct node *node, enum drop_reason reason)
{
    return node->datapath->counters.drops[reason];
}

__attribute__((unused)) static bool next_event(struct node *node, struct event *event)
{
    bool found = event_ring_peek(&node->datapath->ring, event);
    if (found) event_ring_take(&node->datapath->ring, event, NULL);
    return found;
}

/* Whatever the frame says, as a peer could that lies. */
__attribute__((unused)) static void send_sealed(struct pair *pair, const uint8_t *frame, size_t bytes)
{
    CHECK(control_send_frame(pair->a.datapath, 4, frame, bytes));
    take_packets(&pair->b);
}

#endif
