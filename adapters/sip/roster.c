#include "adapters/sip/roster.h"

#include <expat.h>
#include <stdint.h>
#include <string.h>

enum { ARENA_BYTES = 512 * 1024, STATUS_MAX = 24, DEPTH_MAX = 16 };

/* ---- the parser's memory: it is taken in order, and given back as a whole */

static struct {
    _Alignas(max_align_t) char bytes[ARENA_BYTES];
    size_t used;
} arena;

/* The length stands before the bytes, for realloc. */
static void *take(size_t bytes)
{
    const size_t unit = sizeof(max_align_t);
    const size_t need = unit + (bytes + unit - 1) / unit * unit;
    if (bytes > ARENA_BYTES || need > ARENA_BYTES - arena.used)
        return NULL;
    char *at = arena.bytes + arena.used;
    arena.used += need;
    memcpy(at, &bytes, sizeof(bytes));
    return at + unit;
}

static void *take_again(void *old, size_t bytes)
{
    size_t had = 0;
    if (old != NULL)
        memcpy(&had, (char *)old - sizeof(max_align_t), sizeof(had));
    if (bytes <= had)
        return old;
    void *now = take(bytes);
    if (now != NULL && had != 0)
        memcpy(now, old, had);
    return now;
}

static void leave(void *old)
{
    (void)old;
}

/* ---- reading */

#define NAMESPACE "urn:ietf:params:xml:ns:conference-info"

struct reading {
    XML_Parser parser;
    struct cf_sip_roster *roster;
    unsigned depth;
    bool in_user, in_endpoint, in_status;
    bool user_gone, endpoint_gone, has_endpoint, has_users;
    const char *user, *endpoint;
    char status[STATUS_MAX];
    size_t status_len;
    bool bad;
};

static void fail(struct reading *r)
{
    r->bad = true;
    XML_StopParser(r->parser, XML_FALSE);
}

static bool is(const char *name, const char *local)
{
    const size_t len = sizeof(NAMESPACE "|") - 1;
    return strncmp(name, NAMESPACE "|", len) == 0 && strcmp(name + len, local) == 0;
}

static const char *attribute(const char **attributes, const char *name)
{
    for (; attributes[0] != NULL; attributes += 2)
        if (strcmp(attributes[0], name) == 0)
            return attributes[1];
    return "";
}

static const char *keep(struct reading *r, const char *text)
{
    struct cf_sip_roster *roster = r->roster;
    const size_t bytes = strlen(text) + 1;
    char *at = roster->text + roster->used;
    if (bytes > sizeof(roster->text) - roster->used) {
        fail(r);
        return "";
    }
    memcpy(at, text, bytes);
    roster->used += bytes;
    return at;
}

static void add(struct reading *r, const char *endpoint, bool here)
{
    struct cf_sip_roster *roster = r->roster;
    if (roster->count == CF_SIP_ATTENDEES_MAX) {
        fail(r);
        return;
    }
    roster->attendee[roster->count++] = (struct cf_sip_attendee){r->user, endpoint, here};
}

/* Of the document and of its users: full where it does not say. */
static void take_state(struct reading *r, const char *state)
{
    if (strcmp(state, "") != 0 && strcmp(state, "full") != 0)
        r->roster->full = false;
}

static void XMLCALL on_start(void *context, const char *name, const char **attributes)
{
    struct reading *r = context;
    const char *state = attribute(attributes, "state");
    if (++r->depth > DEPTH_MAX) {
        fail(r);
    } else if (r->depth == 1) {
        take_state(r, state);
        if (!is(name, "conference-info"))
            fail(r);
    } else if (r->depth == 2 && is(name, "users")) {
        r->has_users = true;
        take_state(r, state);
    } else if (r->depth == 3 && r->has_users && is(name, "user")) {
        r->in_user = true;
        r->has_endpoint = false;
        r->user_gone = strcmp(state, "deleted") == 0;
        r->user = keep(r, attribute(attributes, "entity"));
    } else if (r->depth == 4 && r->in_user && is(name, "endpoint")) {
        r->in_endpoint = r->has_endpoint = true;
        r->endpoint_gone = strcmp(state, "deleted") == 0;
        r->endpoint = keep(r, attribute(attributes, "entity"));
        r->status_len = 0;
    } else if (r->depth == 5 && r->in_endpoint && is(name, "status")) {
        r->in_status = true;
    }
}

static bool is_gone(const struct reading *r)
{
    static const char gone[] = "disconnect"; /* disconnecting, disconnected */
    return r->user_gone || r->endpoint_gone ||
           (r->status_len >= sizeof(gone) - 1 && memcmp(r->status, gone, sizeof(gone) - 1) == 0);
}

static void XMLCALL on_end(void *context, const char *name)
{
    struct reading *r = context;
    (void)name;
    if (r->depth == 5) {
        r->in_status = false;
    } else if (r->depth == 4 && r->in_endpoint) {
        add(r, r->endpoint, !is_gone(r));
        r->in_endpoint = false;
    } else if (r->depth == 3 && r->in_user) {
        if (!r->has_endpoint)
            add(r, "", !r->user_gone);
        r->in_user = false;
    }
    r->depth--;
}

static void XMLCALL on_text(void *context, const char *text, int len)
{
    struct reading *r = context;
    for (int i = 0; r->in_status && r->depth == 5 && i < len; i++)
        if (strchr(" \t\r\n", text[i]) == NULL && r->status_len < sizeof(r->status))
            r->status[r->status_len++] = text[i];
}

/* With it come entities, which could be made to grow. */
static void XMLCALL on_doctype(void *context, const char *name, const char *system, const char *public, int subset)
{
    (void)name;
    (void)system;
    (void)public;
    (void)subset;
    fail(context);
}

bool cf_sip_roster_read(const char *body, size_t len, unsigned long salt, struct cf_sip_roster *ret_roster)
{
    static const XML_Memory_Handling_Suite memory = {take, take_again, leave};
    struct reading r = {.roster = ret_roster};
    arena.used = 0;
    ret_roster->full = true;
    ret_roster->count = 0;
    ret_roster->used = 0;
    if (len > CF_SIP_ROSTER_BYTES_MAX)
        return false;
    r.parser = XML_ParserCreate_MM("UTF-8", &memory, "|");
    if (r.parser == NULL)
        return false;
    XML_SetHashSalt(r.parser, salt); /* else it asks the system for one */
    XML_SetUserData(r.parser, &r);
    XML_SetElementHandler(r.parser, on_start, on_end);
    XML_SetCharacterDataHandler(r.parser, on_text);
    XML_SetStartDoctypeDeclHandler(r.parser, on_doctype);
    const bool good = XML_Parse(r.parser, body, (int)len, XML_TRUE) == XML_STATUS_OK && !r.bad;
    XML_ParserFree(r.parser);
    ret_roster->full = ret_roster->full && r.has_users;
    return good;
}
