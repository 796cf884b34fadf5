/*
 * The configuration of callfan-sip: its section of callfan.conf, checked, with every default filled in.
 *
 * Shape     one trunk line per address of `listen`; the lists beside it are matched by position, and a list that is shorter goes
 *           on with its last entry (number: with none)
 * Errors    negative errno with a sentence in why that names file and line
 */
#ifndef CALLFAN_ADAPTERS_SIP_SETTINGS_H
#define CALLFAN_ADAPTERS_SIP_SETTINGS_H

#include "adapters/provider/options.h"
#include "adapters/sip/ua.h"

enum {
    CF_SIP_LINES_MAX = 64,
    CF_SIP_NAME_MAX = 64,
    CF_SIP_ADMITS_MAX = 256,
    CF_SIP_CONNECTIONS_MAX = 4096, /* of a line */
    CF_SIP_FACTORY_MAX = 256,      /* bytes of a conference factory's URI, with its end */
};

struct cf_sip_line_settings {
    union cf_sip_addr listen;
    char listen_text[CF_SIP_NAME_MAX]; /* as configured, for messages */
    char host[CF_SIP_NAME_MAX];        /* in Contact and Via, an IPv6 address in brackets */
    uint16_t port;                     /* likewise */
    char media[CF_SIP_NAME_MAX];
    bool media_ipv6;
    char number[CF_SIP_NAME_MAX]; /* directory number, may be empty */
    bool has_peer;
    struct cf_sip_hop peer;
    char domain[CF_SIP_NAME_MAX];
    char username[CF_SIP_NAME_MAX]; /* empty: no credentials */
    char password[CF_SIP_NAME_MAX];
    bool registers;
    char conference[CF_SIP_FACTORY_MAX]; /* factory, empty: none */
};

struct cf_sip_settings {
    unsigned lines;
    struct cf_sip_line_settings line[CF_SIP_LINES_MAX];
    char user[CF_SIP_NAME_MAX];
    struct cf_sip_config common; /* what all lines share; host, port and media address are those of a line */
    unsigned drop_status;        /* answer to a call that is dropped before it was answered */
    uint32_t receive_bytes;      /* SO_RCVBUF */
    uint32_t gather_us;          /* least time between two wake-ups */
    uint32_t register_s;
    bool tcp;                 /* listen on TCP too */
    uint32_t connections_max; /* TCP, of each line */
    char realm[CF_SIP_NAME_MAX];
    const char *admit[CF_SIP_ADMITS_MAX]; /* into admit_text */
    char admit_text[CF_SIP_ADMITS_MAX][2 * CF_SIP_NAME_MAX];
};

extern const char cf_sip_settings_help[];

int cf_sip_settings_read(const struct cf_options *o, struct cf_sip_settings *ret_settings, char *why, size_t why_bytes);

/* The configuration of one line's user agent, completed; it borrows from the settings. secret is left as it is. */
struct cf_sip_config cf_sip_settings_line(const struct cf_sip_settings *settings, unsigned line);

/* Reads "192.0.2.1:5060", "[2001:db8::1]:5060" or either without port. */
bool cf_sip_settings_address(const char *text, union cf_sip_addr *ret_addr);

#endif
