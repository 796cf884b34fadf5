/*
 * Transport addresses: where a datagram came from and where one goes.
 */
#ifndef CALLFAN_ADAPTERS_SIP_NET_H
#define CALLFAN_ADAPTERS_SIP_NET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

enum { CF_SIP_DEFAULT_PORT = 5060 };

/* AF_INET or AF_INET6. */
union cf_sip_addr {
    struct sockaddr sa;
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;
};

/*
 * One hop: where a message came from, or where one goes. A message over a stream goes over its connection; when that is
 * gone, over another one to the same address (RFC 3261 18.2.2).
 */
struct cf_sip_hop {
    union cf_sip_addr addr;
    bool stream;         /* TCP; else UDP */
    uint64_t connection; /* 0: any to that address, or a new one */
};

/* False unless it is an IPv4 or IPv6 address of the right length. */
bool cf_sip_addr_of(union cf_sip_addr *ret_addr, const struct sockaddr *sa, socklen_t len);
socklen_t cf_sip_addr_len(const union cf_sip_addr *addr);
uint16_t cf_sip_addr_port(const union cf_sip_addr *addr);
void cf_sip_addr_set_port(union cf_sip_addr *addr, uint16_t port);

/* The numeric address without brackets, ended by 0; an IPv4 address in IPv6's dress is written as IPv4. */
void cf_sip_addr_text(const union cf_sip_addr *addr, char text[INET6_ADDRSTRLEN]);

/* Reads a numeric address; false for names and nonsense. */
bool cf_sip_addr_parse(union cf_sip_addr *ret_addr, const char *host, size_t len, uint16_t port);

/* True when both have the same host address, whatever the ports. */
bool cf_sip_addr_same_host(const union cf_sip_addr *a, const union cf_sip_addr *b);

#endif
