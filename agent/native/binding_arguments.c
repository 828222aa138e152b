#include "binding_arguments.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGE_BYTES = 160, ADDRESS_TEXT_BYTES = 64 };

static bool refuse_type(napi_env env, const char *name, const char *wanted)
{
    char message[MESSAGE_BYTES];
    snprintf(message, sizeof message, "%s must be %s.", name, wanted);
    napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", message);
    return false;
}

static bool refuse_value(napi_env env, const char *name, const char *wanted)
{
    char message[MESSAGE_BYTES];
    snprintf(message, sizeof message, "%s must be %s.", name, wanted);
    napi_throw_range_error(env, "ERR_INVALID_ARG_VALUE", message);
    return false;
}

/* False with the getter's own exception where reading the property threw. */
static bool property(napi_env env, napi_value object, const char *name, napi_value *value)
{
    napi_valuetype type;
    if (napi_typeof(env, object, &type) != napi_ok || type != napi_object) {
        return refuse_type(env, "The argument", "an object");
    }
    return napi_get_named_property(env, object, name, value) == napi_ok;
}

bool argument_text(napi_env env, napi_value value, const char *name, char *text, size_t capacity)
{
    size_t bytes;
    if (napi_get_value_string_utf8(env, value, NULL, 0, &bytes) != napi_ok) return refuse_type(env, name, "a string");
    if (bytes >= capacity) return refuse_value(env, name, "a shorter string");
    napi_get_value_string_utf8(env, value, text, capacity, &bytes);
    return strlen(text) == bytes || refuse_value(env, name, "a string without NUL");
}

bool argument_integer(napi_env env, napi_value value, const char *name, uint32_t minimum, uint32_t maximum,
                      uint32_t *integer)
{
    double number;
    char wanted[64];
    if (napi_get_value_double(env, value, &number) != napi_ok) return refuse_type(env, name, "a number");
    snprintf(wanted, sizeof wanted, "an integer from %u to %u", minimum, maximum);
    /* Written so that NaN fails as well. */
    if (!(number >= minimum && number <= maximum)) return refuse_value(env, name, wanted);
    *integer = (uint32_t)number;
    return *integer == number || refuse_value(env, name, wanted);
}

bool argument_bytes(napi_env env, napi_value value, const char *name, const uint8_t **bytes, size_t *length)
{
    bool is_typed_array = false;
    napi_typedarray_type type = napi_float64_array;
    void *data = NULL;
    napi_is_typedarray(env, value, &is_typed_array);
    if (is_typed_array) napi_get_typedarray_info(env, value, &type, length, &data, NULL, NULL);
    *bytes = data;
    return type == napi_uint8_array || refuse_type(env, name, "a Uint8Array");
}

bool argument_slot(napi_env env, napi_value value, unsigned *slot)
{
    return argument_integer(env, value, "slot", 0, TABLE_SLOTS - 1, slot);
}

static bool mac_property(napi_env env, napi_value object, uint8_t mac[MAC_BYTES])
{
    napi_value value;
    char text[ADDRESS_TEXT_BYTES];
    if (!property(env, object, "mac", &value) || !argument_text(env, value, "mac", text, sizeof text)) return false;
    return mac_parse(text, mac) || refuse_value(env, "mac", "a unicast address like 02:11:22:33:44:55");
}

static bool ip_property(napi_env env, napi_value object, const char *name, const char *label, int family, uint8_t *ip)
{
    napi_value value;
    char text[ADDRESS_TEXT_BYTES];
    if (!property(env, object, name, &value) || !argument_text(env, value, label, text, sizeof text)) return false;
    if (inet_pton(family, text, ip) == 1) return true;
    return refuse_value(env, label, family == AF_INET ? "an IPv4 address" : "an IPv6 address");
}

static bool integer_property(napi_env env, napi_value object, const char *name, uint32_t minimum, uint32_t maximum,
                             uint32_t *integer)
{
    napi_value value;
    return property(env, object, name, &value) && argument_integer(env, value, name, minimum, maximum, integer);
}

bool argument_endpoint(napi_env env, napi_value value, struct endpoint *endpoint)
{
    napi_value address;
    char text[ADDRESS_TEXT_BYTES];
    uint32_t port;
    if (!property(env, value, "address", &address) || !argument_text(env, address, "address", text, sizeof text) ||
        !integer_property(env, value, "port", 1, UINT16_MAX, &port)) {
        return false;
    }
    return endpoint_parse(text, (uint16_t)port, endpoint) || refuse_value(env, "address", "an IPv4 or IPv6 address");
}

bool argument_peer(napi_env env, napi_value value, unsigned *slot, struct peer_addresses *addresses)
{
    return integer_property(env, value, "slot", 0, TABLE_SLOTS - 1, slot) && mac_property(env, value, addresses->mac) &&
           ip_property(env, value, "ip4", "ip4", AF_INET, addresses->ip4) &&
           ip_property(env, value, "ip6", "ip6", AF_INET6, addresses->ip6);
}

static bool cipher_property(napi_env env, napi_value object, enum aead_cipher *cipher)
{
    napi_value value;
    char text[32];
    if (!property(env, object, "cipher", &value)) return false;
    if (!argument_text(env, value, "cipher", text, sizeof text)) return false;
    *cipher = strcmp(text, "aes-256-gcm") == 0 ? AEAD_AES_256_GCM : AEAD_CHACHA20_POLY1305;
    if (*cipher == AEAD_AES_256_GCM || strcmp(text, "chacha20-poly1305") == 0) return true;
    return refuse_value(env, "cipher", "aes-256-gcm or chacha20-poly1305");
}

static bool key_property(napi_env env, napi_value object, const char *name, uint8_t key[AEAD_KEY_BYTES])
{
    napi_value value;
    const uint8_t *bytes;
    size_t length;
    if (!property(env, object, name, &value) || !argument_bytes(env, value, name, &bytes, &length)) return false;
    if (length != AEAD_KEY_BYTES) return refuse_value(env, name, "32 bytes");
    memcpy(key, bytes, AEAD_KEY_BYTES);
    return true;
}

bool argument_session(napi_env env, napi_value value, struct session_keys *keys)
{
    return cipher_property(env, value, &keys->cipher) &&
           integer_property(env, value, "receiveIndex", 0, UINT32_MAX, &keys->receive_index) &&
           key_property(env, value, "receiveKey", keys->receive_key) &&
           integer_property(env, value, "sendIndex", 0, UINT32_MAX, &keys->send_index) &&
           key_property(env, value, "sendKey", keys->send_key);
}

static bool subnet_property(napi_env env, napi_value object, const char *name, int family, uint8_t *ip,
                            uint8_t *prefix_length)
{
    napi_value subnet;
    uint32_t length;
    if (!property(env, object, name, &subnet) || !ip_property(env, subnet, "address", name, family, ip) ||
        !integer_property(env, subnet, "prefixLength", 1, family == AF_INET ? 32 : 128, &length)) {
        return false;
    }
    *prefix_length = (uint8_t)length;
    return true;
}

/* `offloads` and what is in it may be left out: then they are wanted. */
static bool offloads_property(napi_env env, napi_value object, const char *name, bool *wanted)
{
    napi_value offloads, value;
    napi_valuetype type;
    *wanted = true;
    if (!property(env, object, "offloads", &offloads)) return false;
    napi_typeof(env, offloads, &type);
    if (type == napi_undefined) return true;
    if (!property(env, offloads, name, &value)) return false;
    napi_typeof(env, value, &type);
    if (type == napi_undefined) return true;
    return napi_get_value_bool(env, value, wanted) == napi_ok || refuse_value(env, name, "true or false");
}

bool argument_options(napi_env env, napi_value value, struct datapath_options *options, char tap_name[IFNAMSIZ])
{
    struct interface_options *interface = &options->interface;
    napi_value name;
    uint32_t port;
    options->tap_name = tap_name;
    if (!property(env, value, "tapName", &name) || !argument_text(env, name, "tapName", tap_name, IFNAMSIZ) ||
        !mac_property(env, value, interface->mac) ||
        /* 576: what every IPv4 host must take (RFC 791); IPv6 needs 1280, and is left out below it. */
        !integer_property(env, value, "mtuBytes", 576, FRAME_MAX_MTU, &interface->mtu_bytes) ||
        !subnet_property(env, value, "ip4", AF_INET, interface->ip4, &interface->ip4_prefix_length) ||
        !subnet_property(env, value, "ip6", AF_INET6, interface->ip6, &interface->ip6_prefix_length) ||
        !integer_property(env, value, "udpPort", 0, UINT16_MAX, &port) ||
        !offloads_property(env, value, "tap", &options->tap_offloads) ||
        !offloads_property(env, value, "udp", &options->udp_offloads)) {
        return false;
    }
    options->udp_port = (uint16_t)port;
    return true;
}

bool argument_frame_bytes(napi_env env, napi_value value, uint32_t otherwise, uint32_t *bytes)
{
    napi_valuetype type;
    napi_typeof(env, value, &type);
    *bytes = otherwise;
    return type == napi_undefined || argument_integer(env, value, "frame bytes", 0, FRAME_MAX_BYTES, bytes);
}
