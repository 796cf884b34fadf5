#include "adapters/sip/net.h"

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

bool cf_sip_addr_of(union cf_sip_addr *ret_addr, const struct sockaddr *sa, socklen_t len)
{
    union cf_sip_addr addr;
    if (len < sizeof(sa_family_t) || len > sizeof(addr))
        return false;
    memset(&addr, 0, sizeof(addr));
    memcpy(&addr, sa, len);
    if (addr.sa.sa_family == AF_INET ? len < sizeof(addr.in4) : addr.sa.sa_family != AF_INET6 || len < sizeof(addr.in6))
        return false;
    *ret_addr = addr;
    return true;
}

socklen_t cf_sip_addr_len(const union cf_sip_addr *addr)
{
    return addr->sa.sa_family == AF_INET ? sizeof(addr->in4) : sizeof(addr->in6);
}

uint16_t cf_sip_addr_port(const union cf_sip_addr *addr)
{
    return ntohs(addr->sa.sa_family == AF_INET ? addr->in4.sin_port : addr->in6.sin6_port);
}

void cf_sip_addr_set_port(union cf_sip_addr *addr, uint16_t port)
{
    if (addr->sa.sa_family == AF_INET)
        addr->in4.sin_port = htons(port);
    else
        addr->in6.sin6_port = htons(port);
}

static const void *ipv4_part(const union cf_sip_addr *addr)
{
    if (addr->sa.sa_family == AF_INET)
        return &addr->in4.sin_addr;
    return IN6_IS_ADDR_V4MAPPED(&addr->in6.sin6_addr) ? &addr->in6.sin6_addr.s6_addr[12] : NULL;
}

/* Most responses tell such an address (received, RFC 3581), and inet_ntop() formats it with sprintf(). */
static void put_ipv4(const uint8_t *part, char *at)
{
    for (unsigned i = 0; i < 4; i++) {
        const unsigned value = part[i];
        if (value >= 100)
            *at++ = (char)('0' + value / 100);
        if (value >= 10)
            *at++ = (char)('0' + value / 10 % 10);
        *at++ = (char)('0' + value % 10);
        *at++ = i < 3 ? '.' : '\0';
    }
}

void cf_sip_addr_text(const union cf_sip_addr *addr, char text[INET6_ADDRSTRLEN])
{
    const void *ipv4 = ipv4_part(addr);
    if (ipv4 != NULL) {
        put_ipv4(ipv4, text);
        return;
    }
    const char *done = inet_ntop(AF_INET6, &addr->in6.sin6_addr, text, INET6_ADDRSTRLEN);
    assert(done != NULL);
    (void)done;
}

bool cf_sip_addr_parse(union cf_sip_addr *ret_addr, const char *host, size_t len, uint16_t port)
{
    char text[INET6_ADDRSTRLEN];
    union cf_sip_addr addr;
    if (len == 0 || len >= sizeof(text))
        return false;
    memcpy(text, host, len);
    text[len] = '\0';
    memset(&addr, 0, sizeof(addr));
    if (inet_pton(AF_INET, text, &addr.in4.sin_addr) == 1)
        addr.sa.sa_family = AF_INET;
    else if (inet_pton(AF_INET6, text, &addr.in6.sin6_addr) == 1)
        addr.sa.sa_family = AF_INET6;
    else
        return false;
    cf_sip_addr_set_port(&addr, port);
    *ret_addr = addr;
    return true;
}

bool cf_sip_addr_same_host(const union cf_sip_addr *a, const union cf_sip_addr *b)
{
    const void *a4 = ipv4_part(a);
    const void *b4 = ipv4_part(b);
    if (a4 != NULL || b4 != NULL)
        return a4 != NULL && b4 != NULL && memcmp(a4, b4, sizeof(struct in_addr)) == 0;
    return memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, sizeof(struct in6_addr)) == 0;
}
