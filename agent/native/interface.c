#include "interface.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "frame.h"
#include "outbox.h"

enum { IP_TCP_HEADER_BYTES = 40 };

/* Big enough for every request made here: a header, an ifinfomsg or ifaddrmsg, and four small attributes. */
struct request {
    struct nlmsghdr header;
    uint8_t body[256];
};

static void start(struct request *request, uint16_t type, uint16_t flags, const void *message, size_t bytes)
{
    memset(request, 0, sizeof *request);
    request->header.nlmsg_type = type;
    request->header.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
    request->header.nlmsg_len = (uint32_t)NLMSG_LENGTH(bytes);
    memcpy(NLMSG_DATA(&request->header), message, bytes);
}

static void add_attribute(struct request *request, uint16_t type, const void *value, size_t bytes)
{
    struct rtattr *attribute = (struct rtattr *)((uint8_t *)request + NLMSG_ALIGN(request->header.nlmsg_len));
    attribute->rta_type = type;
    attribute->rta_len = (uint16_t)RTA_LENGTH(bytes);
    memcpy(RTA_DATA(attribute), value, bytes);
    request->header.nlmsg_len = (uint32_t)(NLMSG_ALIGN(request->header.nlmsg_len) + RTA_ALIGN(attribute->rta_len));
}

/* Sends and waits for the kernel's answer, which rtnetlink gives at once. 0, or an errno. */
static int ask_kernel(int netlink, const struct request *request)
{
    struct {
        struct nlmsghdr header;
        struct nlmsgerr error;
        uint8_t rest[512]; /* the kernel may quote the request and add its own words */
    } answer;
    if (send(netlink, request, request->header.nlmsg_len, 0) < 0) return errno;
    ssize_t bytes = recv(netlink, &answer, sizeof answer, 0);
    if (bytes < 0) return errno;
    if (bytes < (ssize_t)NLMSG_LENGTH(sizeof answer.error) || answer.header.nlmsg_type != NLMSG_ERROR) return EPROTO;
    return -answer.error.error;
}

static int set_mac_and_mtu(int netlink, int index, const struct interface_options *options)
{
    struct request request;
    struct ifinfomsg message = {.ifi_family = AF_UNSPEC, .ifi_index = index};
    start(&request, RTM_NEWLINK, 0, &message, sizeof message);
    add_attribute(&request, IFLA_ADDRESS, options->mac, MAC_BYTES);
    add_attribute(&request, IFLA_MTU, &options->mtu_bytes, sizeof options->mtu_bytes);
    return ask_kernel(netlink, &request);
}

/*
 * The kernel hands over TCP in super-frames of up to 64 KiB, whose packets are a little more than one message can carry
 * (outbox.h), and the rest would cost a send and a receive of its own. A header of options, which makes segments
 * shorter than here, and the kernel's own reserve of 300 bytes cancel out. No fault where a kernel refuses it.
 */
static void fit_super_frames(int netlink, int index, const struct interface_options *options)
{
    struct request request;
    struct ifinfomsg message = {.ifi_family = AF_UNSPEC, .ifi_index = index};
    uint32_t packets = MESSAGE_MAX_BYTES / (options->mtu_bytes + FRAME_HEADER_BYTES + PACKET_OVERHEAD_BYTES);
    uint32_t bytes = packets * (options->mtu_bytes - IP_TCP_HEADER_BYTES);
    if (packets > SUPER_FRAME_MAX_SEGMENTS || packets < 2) return;
    start(&request, RTM_NEWLINK, 0, &message, sizeof message);
    add_attribute(&request, IFLA_GSO_MAX_SIZE, &bytes, sizeof bytes);
    ask_kernel(netlink, &request);
}

static int bring_up(int netlink, int index)
{
    struct request request;
    struct ifinfomsg message = {.ifi_family = AF_UNSPEC, .ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
    start(&request, RTM_NEWLINK, 0, &message, sizeof message);
    return ask_kernel(netlink, &request);
}

static int add_ip4(int netlink, int index, const struct interface_options *options)
{
    struct request request;
    struct ifaddrmsg message = {
        .ifa_family = AF_INET, .ifa_prefixlen = options->ip4_prefix_length, .ifa_index = (uint32_t)index};
    uint32_t address;
    memcpy(&address, options->ip4, sizeof address);
    uint32_t broadcast = address | htonl((uint32_t)(UINT64_C(0xffffffff) >> options->ip4_prefix_length));

    start(&request, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &message, sizeof message);
    add_attribute(&request, IFA_LOCAL, options->ip4, IP4_BYTES);
    add_attribute(&request, IFA_ADDRESS, options->ip4, IP4_BYTES);
    if (options->ip4_prefix_length < 31) add_attribute(&request, IFA_BROADCAST, &broadcast, sizeof broadcast);
    return ask_kernel(netlink, &request);
}

/* No duplicate address detection: the address is signed for this node alone, and is needed now, not in a second. */
static int add_ip6(int netlink, int index, const struct interface_options *options)
{
    struct request request;
    struct ifaddrmsg message = {.ifa_family = AF_INET6,
                                .ifa_prefixlen = options->ip6_prefix_length,
                                .ifa_flags = IFA_F_NODAD,
                                .ifa_index = (uint32_t)index};
    start(&request, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &message, sizeof message);
    add_attribute(&request, IFA_LOCAL, options->ip6, IP6_BYTES);
    add_attribute(&request, IFA_ADDRESS, options->ip6, IP6_BYTES);
    return ask_kernel(netlink, &request);
}

static bool configure(int netlink, int index, const struct interface_options *options, bool *ip6_configured,
                      struct fault *fault)
{
    int error = set_mac_and_mtu(netlink, index, options);
    if (error != 0) return fault_at(fault, FAULT_TAP_LINK, error);

    fit_super_frames(netlink, index, options);
    error = add_ip4(netlink, index, options);
    if (error != 0) return fault_at(fault, FAULT_TAP_IP4, error);

    error = bring_up(netlink, index);
    if (error != 0) return fault_at(fault, FAULT_TAP_LINK, error);

    /* EPERM is a missing privilege; whatever else the kernel says, it has no IPv6 for this device. */
    error = add_ip6(netlink, index, options);
    if (error == EPERM) return fault_at(fault, FAULT_TAP_IP6, error);
    *ip6_configured = error == 0;
    return true;
}

bool interface_configure(const char *name, const struct interface_options *options, bool *ip6_configured,
                         struct fault *fault)
{
    int index = (int)if_nametoindex(name);
    if (index == 0) return fault_at(fault, FAULT_TAP_LINK, errno);
    int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (netlink < 0) return fault_at(fault, FAULT_TAP_LINK, errno);

    bool done = configure(netlink, index, options, ip6_configured, fault);
    close(netlink);
    return done;
}
