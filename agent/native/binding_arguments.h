/*
 * Arguments from JavaScript, checked. Each function answers false with a TypeError or RangeError thrown that names the
 * argument; the caller then returns. Text and numbers are copied out.
 */
#ifndef TINCAN_BINDING_ARGUMENTS_H
#define TINCAN_BINDING_ARGUMENTS_H

#define NAPI_VERSION 8
#include <node_api.h>

#include "datapath.h"

bool argument_text(napi_env env, napi_value value, const char *name, char *text, size_t capacity);
bool argument_integer(napi_env env, napi_value value, const char *name, uint32_t minimum, uint32_t maximum,
                      uint32_t *integer);

/* Borrowed: valid until JavaScript runs again. */
bool argument_bytes(napi_env env, napi_value value, const char *name, const uint8_t **bytes, size_t *length);

bool argument_slot(napi_env env, napi_value value, unsigned *slot);

/* {address, port} */
bool argument_endpoint(napi_env env, napi_value value, struct endpoint *endpoint);

/* {slot, mac, ip4, ip6} */
bool argument_peer(napi_env env, napi_value value, unsigned *slot, struct peer_addresses *addresses);

/* {cipher, receiveIndex, receiveKey, sendIndex, sendKey}; the caller wipes the keys, also after false. */
bool argument_session(napi_env env, napi_value value, struct session_keys *keys);

/* {tapName, mac, mtuBytes, ip4, ip6, udpPort, offloads?: {tap?, udp?}}; tapName is written to `tap_name`. */
bool argument_options(napi_env env, napi_value value, struct datapath_options *options, char tap_name[IFNAMSIZ]);

/* A frame size that may be left out. */
bool argument_frame_bytes(napi_env env, napi_value value, uint32_t otherwise, uint32_t *bytes);

#endif
