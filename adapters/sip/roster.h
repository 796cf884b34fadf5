/*
 * Who is in a conference, as its focus tells: application/conference-info+xml.
 *
 * Shape:     one structure for one document, with its texts; large, so that there is one of it.
 * Invariant: every document ends with a parser that is given back: the parser takes its memory from a fixed arena.
 * Errors:    false: malformed, longer or deeper than the arena has room for, with a document type, or of more attendees than there is room for.
 * Overlap:   one thread: the arena is static.
 * Progress:  no allocation, no system call; bounded by the length of the document.
 * Trust:     the document is the network's. No entity is declared or fetched, nothing but elements of the conference-info namespace is looked at.
 * Source:    RFC 4575; libexpat.
 */
#ifndef CALLFAN_ADAPTERS_SIP_ROSTER_H
#define CALLFAN_ADAPTERS_SIP_ROSTER_H

#include <stdbool.h>
#include <stddef.h>

enum {
    CF_SIP_ATTENDEES_MAX = 512, /* endpoints of all users; users without one count as one */
    CF_SIP_ROSTER_BYTES_MAX = 65536,
};

struct cf_sip_attendee {
    const char *user, *endpoint; /* their URIs, "" where none is given; end with a 0 */
    bool here;                   /* not deleted, nor disconnected or disconnecting */
};

struct cf_sip_roster {
    bool full; /* who is not in it is not in the conference; else it tells of changes alone */
    unsigned count;
    struct cf_sip_attendee attendee[CF_SIP_ATTENDEES_MAX];
    size_t used;
    char text[CF_SIP_ROSTER_BYTES_MAX];
};

/* salt: not 0, of the parser's hash tables; who sends documents must not know it. */
bool cf_sip_roster_read(const char *body, size_t len, unsigned long salt, struct cf_sip_roster *ret_roster);

#endif
