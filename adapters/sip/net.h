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
