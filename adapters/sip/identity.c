#include "adapters/sip/identity.h"

#include "adapters/sip/extension.h"
#include "adapters/sip/field.h"
#include "adapters/sip/referral.h"
#include "callfan/tapi_const.h"

#include <string.h>

#define REASON(name)  LINECALLREASON_##name
#define PARTY(name)   LINECALLPARTYID_##name
#define IS(p, len, s) CF_SIP_SAME((p), (len), s)

/* ---- one party */

size_t cf_sip_number_copy(char *dst, size_t dst_bytes, const char *uri_text, size_t len)
{
    struct cf_sip_uri uri;
    if (!cf_sip_uri_read(uri_text, len, &uri) || uri.scheme == CF_SIP_SCHEME_OTHER)
        return cf_sip_copy_text(dst, dst_bytes, uri_text, len, false, false);
    if (uri.user_len != 0)
        return cf_sip_copy_text(dst, dst_bytes, uri.user, uri.user_len, true, false);
    return cf_sip_copy_text(dst, dst_bytes, uri.host, uri.host_len, false, false);
}

static void set_number(struct cf_sip_party *party, const struct cf_sip_msg *msg, struct cf_sip_slice uri)
{
    party->number_len =
        (uint8_t)cf_sip_number_copy(party->number, sizeof(party->number), cf_sip_ptr(msg, uri), uri.len);
}

static void set_name(struct cf_sip_party *party, const struct cf_sip_msg *msg, const struct cf_sip_address *address)
{
    party->name_len = (uint8_t)cf_sip_copy_text(party->name, sizeof(party->name), cf_sip_ptr(msg, address->display),
                                                address->display.len, false, address->display_quoted);
}

/* The flags that its texts give it. */
static void set_flags(struct cf_sip_party *party)
{
    party->flags = (party->number_len != 0 ? PARTY(ADDRESS) : 0) | (party->name_len != 0 ? PARTY(NAME) : 0);
    if (party->flags == 0)
        party->flags = PARTY(UNKNOWN);
}

static void set_party(struct cf_sip_party *party, const struct cf_sip_msg *msg, const struct cf_sip_address *address)
{
    set_number(party, msg, address->uri);
    set_name(party, msg, address);
    set_flags(party);
}

static void hide(struct cf_sip_party *party)
{
    *party = (struct cf_sip_party){.flags = PARTY(BLOCKED)};
}

static bool has_user(const struct cf_sip_msg *msg, struct cf_sip_slice text)
{
    struct cf_sip_uri uri;
    return cf_sip_uri_read(cf_sip_ptr(msg, text), text.len, &uri) && uri.user_len != 0;
}

static bool is_anonymous(const struct cf_sip_msg *msg, struct cf_sip_slice text)
{
    struct cf_sip_uri uri;
    return cf_sip_uri_read(cf_sip_ptr(msg, text), text.len, &uri) &&
           (IS(uri.user, uri.user_len, "anonymous") || IS(uri.host, uri.host_len, "anonymous.invalid"));
}

/* ---- who hides */

enum { HIDES_CALLER = 1, HIDES_DIVERSION = 2 };

static unsigned privacy_bits(const char *value, size_t len)
{
    static const struct {
        const char *value;
        unsigned hides;
    } rows[] = {
        {"id", HIDES_CALLER},
        {"user", HIDES_CALLER},
        {"header", HIDES_CALLER | HIDES_DIVERSION},
        {"history", HIDES_DIVERSION},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (cf_sip_same(value, len, rows[i].value, strlen(rows[i].value)))
            return rows[i].hides;
    return 0;
}

/* "id;user", or with commas as some write it. */
static unsigned privacy_of(struct cf_sip_cursor c)
{
    unsigned hides = 0;
    while (c.p < c.end) {
        const char *value = c.p;
        hides |= privacy_bits(value, cf_sip_take_class(&c, CF_SIP_CHAR_TOKEN));
        cf_sip_skip_space(&c);
        if (c.p < c.end && *c.p != ';' && *c.p != ',')
            break;
        while (c.p < c.end && (*c.p == ';' || *c.p == ',' || cf_sip_is(*c.p, CF_SIP_CHAR_SPACE)))
            c.p++;
    }
    return hides;
}

static struct cf_sip_cursor cursor_of(const struct cf_sip_msg *msg, struct cf_sip_slice slice)
{
    return (struct cf_sip_cursor){cf_sip_ptr(msg, slice), cf_sip_ptr(msg, slice) + slice.len};
}

static unsigned privacy_of_msg(const struct cf_sip_msg *msg)
{
    struct cf_sip_slice line;
    unsigned hides = 0;
    for (unsigned i = 0; cf_sip_extra(msg, CF_SIP_HEADER_PRIVACY, i, &line); i++)
        hides |= privacy_of(cursor_of(msg, line));
    return hides;
}

/* ---- Diversion */

/* A redirecting party and why it sent the call on. */
struct diversion {
    struct cf_sip_party party; /* flags 0: nobody did */
    uint32_t reason;
};

static uint32_t reason_of_text(const char *text, size_t len)
{
    static const struct {
        const char *text;
        uint32_t reason;
    } rows[] = {
        {"unconditional", REASON(FWDUNCOND)},
        {"user-busy", REASON(FWDBUSY)},
        {"no-answer", REASON(FWDNOANSWER)},
        {"unavailable", REASON(FWDNOANSWER)},
        {"out-of-service", REASON(FWDNOANSWER)},
        {"time-of-day", REASON(FWDUNCOND)},
        {"do-not-disturb", REASON(FWDUNCOND)},
        {"follow-me", REASON(FWDUNCOND)},
        {"away", REASON(FWDUNCOND)},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (cf_sip_same(text, len, rows[i].text, strlen(rows[i].text)))
            return rows[i].reason;
    return REASON(REDIRECT); /* deflection, unknown, and what we do not know */
}

/* privacy=full, name, uri, off. */
static void apply_diversion_privacy(struct cf_sip_party *party, const char *text, size_t len)
{
    if (IS(text, len, "full"))
        hide(party);
    else if (IS(text, len, "name"))
        party->name_len = 0;
    else if (IS(text, len, "uri"))
        party->number_len = 0;
    else
        return;
    if (party->number_len == 0 && party->name_len == 0)
        hide(party);
    else
        set_flags(party);
}

/* The topmost Diversion: who sent the call on last. False: there is none. */
static bool read_diversion(const struct cf_sip_msg *msg, struct diversion *ret_diversion)
{
    struct cf_sip_slice line;
    struct cf_sip_address address = {0};
    struct cf_sip_param param;
    if (!cf_sip_extra(msg, CF_SIP_HEADER_DIVERSION, 0, &line))
        return false;
    *ret_diversion = (struct diversion){.reason = REASON(REDIRECT), .party.flags = PARTY(UNKNOWN)};
    struct cf_sip_cursor c = cursor_of(msg, line);
    if (!cf_sip_address_read(&c, msg->base, &address))
        return true;
    set_party(&ret_diversion->party, msg, &address);
    c = cf_sip_address_params(msg, &address);
    while (cf_sip_param_next(&c, &param) > 0) {
        if (IS(param.name, param.name_len, "reason"))
            ret_diversion->reason = reason_of_text(param.value, param.value_len);
        else if (IS(param.name, param.name_len, "privacy"))
            apply_diversion_privacy(&ret_diversion->party, param.value, param.value_len);
    }
    return true;
}

/* ---- History-Info */

enum {
    DEPTH_MAX = 8,        /* numbers of an index */
    HEADER_TEXT_MAX = 128 /* bytes of a header within a URI */
};

struct index {
    unsigned depth;
    uint32_t number[DEPTH_MAX];
};

enum tag {
    TAG_NONE,
    TAG_SAME_USER,  /* rc, np */
    TAG_OTHER_USER, /* mp */
};

struct entry {
    struct cf_sip_address address;
    struct index index;
    struct index from; /* of which entry this one was made; depth 0: not said */
    enum tag tag;
    uint32_t cause;  /* cause parameter of the URI: why the call was sent here */
    uint32_t answer; /* cause of the SIP Reason within the URI: what this target answered */
    bool hidden;
};

struct history {
    unsigned count;
    bool tagged; /* rc, mp or np stand somewhere: RFC 7044, else RFC 4244 */
    struct entry entry[CF_SIP_HISTORY_MAX];
};

/* "1.2.1"; what stands behind DEPTH_MAX numbers or is malformed is left away. */
static struct index index_of(const char *text, size_t len)
{
    struct cf_sip_cursor c = {text, text + len};
    struct index index = {0};
    while (index.depth < DEPTH_MAX && cf_sip_take_number(&c, &index.number[index.depth])) {
        index.depth++;
        if (!cf_sip_at(&c, '.'))
            break;
        c.p++;
    }
    return index;
}

/* Where one of them has no index, neither stands before the other. */
static int compare(const struct index *a, const struct index *b)
{
    if (a->depth == 0 || b->depth == 0)
        return 0;
    for (unsigned i = 0; i < a->depth && i < b->depth; i++)
        if (a->number[i] != b->number[i])
            return a->number[i] < b->number[i] ? -1 : 1;
    return a->depth == b->depth ? 0 : a->depth < b->depth ? -1 : 1;
}

static void read_entry_params(const struct cf_sip_msg *msg, struct entry *entry)
{
    struct cf_sip_cursor c = cf_sip_address_params(msg, &entry->address);
    struct cf_sip_param param;
    while (cf_sip_param_next(&c, &param) > 0) {
        const struct index index = param.value != NULL ? index_of(param.value, param.value_len) : (struct index){0};
        const bool other = IS(param.name, param.name_len, "mp");
        if (IS(param.name, param.name_len, "index")) {
            entry->index = index;
        } else if (other || IS(param.name, param.name_len, "rc") || IS(param.name, param.name_len, "np")) {
            entry->tag = other ? TAG_OTHER_USER : TAG_SAME_USER;
            entry->from = index;
        }
    }
}

static void read_cause(const struct cf_sip_param *param, uint32_t *cause)
{
    uint32_t value;
    if (param->value == NULL || !IS(param->name, param->name_len, "cause"))
        return;
    struct cf_sip_cursor c = {param->value, param->value + param->value_len};
    if (cf_sip_take_number(&c, &value) && c.p == c.end)
        *cause = value;
}

/* Behind the host, or the number of a tel URI: ";cause=302". */
static void read_uri_cause(const struct cf_sip_uri *uri, const char *end, uint32_t *cause)
{
    struct cf_sip_cursor c = {uri->scheme == CF_SIP_SCHEME_TEL ? uri->user + uri->user_len : uri->host + uri->host_len,
                              end};
    struct cf_sip_param param;
    while (c.p < c.end && *c.p != ';')
        c.p++; /* bracket and port */
    while (cf_sip_param_next(&c, &param) > 0)
        read_cause(&param, cause);
}

/* One header within the URI: Reason=SIP%3Bcause%3D486, Privacy=history. */
static void read_uri_header(struct cf_sip_cursor header, struct entry *entry)
{
    char text[HEADER_TEXT_MAX];
    const char *equals = memchr(header.p, '=', (size_t)(header.end - header.p));
    if (equals == NULL)
        return;
    const size_t name_len = (size_t)(equals - header.p);
    struct cf_sip_cursor value = {
        text, text + cf_sip_copy_text(text, sizeof(text), equals + 1, (size_t)(header.end - equals - 1), true, false)};
    if (IS(header.p, name_len, "privacy")) {
        entry->hidden |= (privacy_of(value) & HIDES_DIVERSION) != 0;
    } else if (IS(header.p, name_len, "reason")) {
        struct cf_sip_param param;
        const char *protocol = value.p;
        if (!IS(protocol, cf_sip_take_class(&value, CF_SIP_CHAR_TOKEN), "sip"))
            return;
        while (cf_sip_param_next(&value, &param) > 0)
            read_cause(&param, &entry->answer);
    }
}

static void read_entry_uri(const struct cf_sip_msg *msg, struct entry *entry)
{
    struct cf_sip_uri uri;
    const struct cf_sip_cursor all = cursor_of(msg, entry->address.uri);
    const bool good = cf_sip_uri_read(all.p, entry->address.uri.len, &uri) && uri.scheme != CF_SIP_SCHEME_OTHER;
    const char *host = good && uri.host_len != 0 ? uri.host : all.p; /* a user part may hold '?' too */
    const char *headers = memchr(host, '?', (size_t)(all.end - host));
    if (good)
        read_uri_cause(&uri, headers != NULL ? headers : all.end, &entry->cause);
    while (headers != NULL) {
        const char *start = headers + 1;
        headers = memchr(start, '&', (size_t)(all.end - start));
        read_uri_header((struct cf_sip_cursor){start, headers != NULL ? headers : all.end}, entry);
    }
}

/* Sorts it in by its index. When there are too many, the first one goes: the last ones count. */
static void insert_entry(struct history *history, const struct entry *entry)
{
    unsigned at = history->count;
    if (at == CF_SIP_HISTORY_MAX) {
        if (compare(&entry->index, &history->entry[0].index) < 0)
            return;
        at--;
        memmove(&history->entry[0], &history->entry[1], at * sizeof(history->entry[0]));
        history->count = at;
    }
    for (; at > 0 && compare(&history->entry[at - 1].index, &entry->index) > 0; at--)
        history->entry[at] = history->entry[at - 1];
    history->entry[at] = *entry;
    history->count++;
}

static void read_history(const struct cf_sip_msg *msg, struct history *history)
{
    struct cf_sip_slice line;
    history->count = 0;
    history->tagged = false;
    for (unsigned i = 0; cf_sip_extra(msg, CF_SIP_HEADER_HISTORY_INFO, i, &line); i++) {
        struct cf_sip_cursor c = cursor_of(msg, line);
        do {
            struct entry entry = {0};
            if (!cf_sip_address_read(&c, msg->base, &entry.address))
                break;
            read_entry_params(msg, &entry);
            read_entry_uri(msg, &entry);
            history->tagged |= entry.tag != TAG_NONE;
            insert_entry(history, &entry);
        } while (cf_sip_take(&c, ','));
    }
}

/* RFC 4458, and what a target answered where only that is known. */
static uint32_t reason_of_cause(uint32_t cause)
{
    switch (cause) {
    case 302:
        return REASON(FWDUNCOND);
    case 486:
    case 600:
        return REASON(FWDBUSY);
    case 408:
    case 503: /* not reachable */
        return REASON(FWDNOANSWER);
    default:
        return REASON(REDIRECT); /* 480 and 487: deflected; 404: not known */
    }
}

static const struct entry *entry_from(const struct history *history, unsigned target)
{
    const struct index *from = &history->entry[target].from;
    for (unsigned i = 0; from->depth != 0 && i < history->count; i++)
        if (i != target && history->entry[i].index.depth != 0 && compare(&history->entry[i].index, from) == 0)
            return &history->entry[i];
    return target != 0 ? &history->entry[target - 1] : NULL;
}

/* The entry that sent the call on last; NULL: none did. */
static const struct entry *last_diverting(const struct history *history, uint32_t *ret_reason)
{
    for (unsigned i = history->count; i-- > 0;) {
        const struct entry *target = &history->entry[i];
        if (target->tag != TAG_OTHER_USER && target->cause == 0)
            continue;
        const struct entry *from = entry_from(history, i);
        if (from == NULL)
            continue; /* the first one cannot have been sent on by anybody whom we know */
        *ret_reason = reason_of_cause(target->cause != 0 ? target->cause : from->answer);
        return from;
    }
    for (unsigned i = history->count; !history->tagged && i-- > 1;) {
        const struct entry *from = &history->entry[i - 1];
        if (from->answer < 300)
            continue;
        *ret_reason = reason_of_cause(from->answer);
        return from;
    }
    return NULL;
}

/* Diversion, else History-Info; flags 0: the call came straight. */
static void read_diverting(const struct cf_sip_msg *msg, const struct history *history, struct diversion *ret_diversion)
{
    *ret_diversion = (struct diversion){.reason = REASON(DIRECT)};
    if (read_diversion(msg, ret_diversion))
        return;
    const struct entry *from = last_diverting(history, &ret_diversion->reason);
    if (from == NULL)
        return;
    if (from->hidden)
        hide(&ret_diversion->party);
    else
        set_party(&ret_diversion->party, msg, &from->address);
}

/* ---- of whole messages */

/* The first asserted identity. */
static bool read_asserted(const struct cf_sip_msg *msg, struct cf_sip_address *ret_address)
{
    *ret_address = (struct cf_sip_address){0};
    if (msg->asserted.count == 0)
        return false;
    struct cf_sip_cursor c = cursor_of(msg, msg->asserted.line[0]);
    return cf_sip_address_read(&c, msg->base, ret_address);
}

static void read_caller(const struct cf_sip_msg *invite, bool trusted, bool hides, struct cf_sip_party *caller)
{
    struct cf_sip_address asserted;
    if (hides)
        hide(caller);
    else if (trusted && read_asserted(invite, &asserted))
        set_party(caller, invite, &asserted);
    else if (is_anonymous(invite, invite->from.uri))
        hide(caller);
    else
        set_party(caller, invite, &invite->from);
}

/* The name in To is the called party's only when the number is. */
static bool is_of_to(const struct cf_sip_msg *invite, const struct cf_sip_party *called)
{
    char number[CF_SIP_PARTY_BYTES_MAX];
    const struct cf_sip_slice uri = invite->to.uri;
    const size_t len = cf_sip_number_copy(number, sizeof(number), cf_sip_ptr(invite, uri), uri.len);
    return len == called->number_len && memcmp(number, called->number, len) == 0;
}

static void read_called(const struct cf_sip_msg *invite, struct cf_sip_party *called)
{
    if (!has_user(invite, invite->uri) && has_user(invite, invite->to.uri)) {
        set_party(called, invite, &invite->to);
        return;
    }
    set_number(called, invite, invite->uri);
    if (invite->to.display.len != 0 && is_of_to(invite, called))
        set_name(called, invite, &invite->to);
    set_flags(called);
}

void cf_sip_identity_of_invite(const struct cf_sip_msg *invite, bool trusted, struct cf_sip_identity *ret_identity)
{
    struct history history;
    struct diversion diversion;
    struct cf_sip_address by;
    const unsigned hides = privacy_of_msg(invite);
    *ret_identity = (struct cf_sip_identity){0};
    read_history(invite, &history);
    read_diverting(invite, &history, &diversion);
    read_caller(invite, trusted, (hides & HIDES_CALLER) != 0, &ret_identity->caller);
    read_called(invite, &ret_identity->called);
    ret_identity->reason = diversion.reason;
    if (diversion.party.flags == 0 && cf_sip_referred_by_read(invite, &by) == 1) {
        ret_identity->reason = REASON(TRANSFER);
        set_party(&diversion.party, invite, &by);
    }
    if (diversion.party.flags == 0)
        return;
    if ((hides & HIDES_DIVERSION) != 0)
        hide(&diversion.party);
    ret_identity->redirecting = diversion.party;
    ret_identity->redirection = ret_identity->called;
}

void cf_sip_identity_of_referrer(const struct cf_sip_msg *refer, struct cf_sip_party *ret_party)
{
    struct cf_sip_address by;
    *ret_party = (struct cf_sip_party){0};
    set_party(ret_party, refer, cf_sip_referred_by_read(refer, &by) == 1 ? &by : &refer->from);
}

bool cf_sip_identity_of_answer(const struct cf_sip_msg *response, bool trusted, struct cf_sip_party *ret_connected)
{
    struct cf_sip_address asserted;
    struct cf_sip_party party = {0};
    if ((privacy_of_msg(response) & HIDES_CALLER) != 0)
        hide(&party);
    else if (trusted && read_asserted(response, &asserted))
        set_party(&party, response, &asserted);
    else if (has_user(response, response->contact.uri))
        set_party(&party, response, &response->contact);
    else
        return false;
    *ret_connected = party;
    return true;
}

bool cf_sip_identity_of_redirection(const struct cf_sip_msg *response, struct cf_sip_party *ret_redirection,
                                    uint32_t *ret_reason)
{
    struct cf_sip_contacts contacts;
    struct history history;
    struct diversion diversion;
    struct cf_sip_party party = {0};
    read_history(response, &history);
    read_diverting(response, &history, &diversion);
    *ret_reason = diversion.party.flags != 0 ? diversion.reason : REASON(REDIRECT);
    if (cf_sip_contacts_read(response, &contacts) != 0) {
        const struct cf_sip_contact *contact = &contacts.contact[0];
        const struct cf_sip_address address = {
            .uri = contact->uri, .display = contact->display, .display_quoted = contact->display_quoted};
        set_party(&party, response, &address);
    } else if (history.count != 0) {
        const struct entry *last = &history.entry[history.count - 1];
        if (last->hidden || (privacy_of_msg(response) & HIDES_DIVERSION) != 0)
            hide(&party);
        else
            set_party(&party, response, &last->address);
    } else {
        return false;
    }
    *ret_redirection = party;
    return true;
}
