/* See parties.h. */
#include "core/parties.h"

#include "core/blocks.h"

#define END 0 /* in the place of 1 + enum cf_party */
#define PACKED_MAX (CF_PARTIES * (1 + CF_NAME_MAX))
#define BLOCKS_MAX ((PACKED_MAX + CF_PARTY_BLOCK_BYTES - 1) / CF_PARTY_BLOCK_BYTES)

/* ------------------------------------------------------------------ texts */

void cf_party_set(uint8_t *text, uint32_t room, const void *data, uint32_t bytes) {
    const uint8_t *from = data;
    uint32_t n = bytes < room ? bytes : room - 1;
    for (int i = 0; i < 3 && n < bytes && n != 0 && (from[n] & 0xC0) == 0x80; i++) /* not in the middle of a character */
        n--;
    for (uint32_t i = 0; i < n; i++) /* control characters of the outside world end here */
        text[1 + i] = from[i] < 0x20 || from[i] == 0x7F ? '?' : from[i];
    text[0] = (uint8_t)(n | (n < bytes ? CF_PARTY_CUT : 0));
}

uint32_t cf_party_flags(const uint8_t *address, const uint8_t *name, uint32_t unknown) {
    uint32_t flags = cf_party_bytes(address) != 0 ? LINECALLPARTYID_ADDRESS : 0;
    flags |= cf_party_bytes(name) != 0 ? LINECALLPARTYID_NAME : 0;
    flags |= ((address[0] | name[0]) & CF_PARTY_WITHHELD) != 0 ? LINECALLPARTYID_BLOCKED : 0;
    flags |= ((address[0] | name[0]) & CF_PARTY_CUT) != 0 ? LINECALLPARTYID_PARTIAL : 0;
    return flags != 0 ? flags : unknown;
}

void cf_parties_free(struct cf_engine *e, struct cf_call *c) {
    if (c->parties == CF_INDEX_NONE)
        return;
    cf_block_give(e, c->parties);
    cf_touch_one(e, &c->parties);
    c->parties = CF_INDEX_NONE;
}

/* ------------------------------------------------------------------ packing */

static uint32_t pack(uint8_t *to, const struct cf_parties *p) {
    uint32_t n = 0;
    for (uint32_t party = 0; party < CF_PARTIES; party++) {
        const uint8_t *text = p->text[party];
        if (text[0] == 0)
            continue;
        to[n++] = (uint8_t)(party + 1);
        memcpy(to + n, text, 1 + cf_party_bytes(text));
        n += 1 + cf_party_bytes(text);
    }
    return n;
}

/* So many of the packed bytes as are whole texts within room; counts the others. */
static uint32_t whole(struct cf_engine *e, const uint8_t *packed, uint32_t bytes, uint32_t room) {
    uint32_t fits = 0;
    for (uint32_t at = 0; at < bytes;) {
        at += 2 + cf_party_bytes(packed + at + 1);
        if (at <= room)
            fits = at;
        else
            e->tally.parties_dropped++;
    }
    return fits;
}

static void store(struct cf_engine *e, struct cf_call *c, const struct cf_parties *p) {
    uint8_t packed[BLOCKS_MAX * CF_PARTY_BLOCK_BYTES] = {END};
    uint32_t bytes = pack(packed, p), room = 0;
    cf_parties_free(e, c);
    cf_touch_one(e, &c->parties);
    for (uint32_t *link = &c->parties; room < bytes; link = &e->parties[*link].next, room += CF_PARTY_BLOCK_BYTES)
        if ((*link = cf_block_take(e)) == CF_INDEX_NONE)
            break;
    bytes = whole(e, packed, bytes, room);
    memset(packed + bytes, END, sizeof packed - bytes);
    const uint8_t *from = packed;
    for (uint32_t block = c->parties; block != CF_INDEX_NONE; block = e->parties[block].next, from += CF_PARTY_BLOCK_BYTES)
        memcpy(e->parties[block].bytes, from, CF_PARTY_BLOCK_BYTES);
}

/* The chain in one piece: returns its bytes. A chain is never longer than what is written. */
static uint32_t gather(const struct cf_engine *e, const struct cf_call *c, uint8_t packed[BLOCKS_MAX * CF_PARTY_BLOCK_BYTES]) {
    uint32_t n = 0;
    for (uint32_t block = c->parties; block != CF_INDEX_NONE && n < BLOCKS_MAX * CF_PARTY_BLOCK_BYTES; block = e->parties[block].next) {
        memcpy(packed + n, e->parties[block].bytes, CF_PARTY_BLOCK_BYTES);
        n += CF_PARTY_BLOCK_BYTES;
    }
    return n;
}

void cf_parties_read(const struct cf_engine *e, const struct cf_call *c, struct cf_parties *ret_parties) {
    uint8_t packed[BLOCKS_MAX * CF_PARTY_BLOCK_BYTES];
    uint32_t bytes = gather(e, c, packed);
    memset(ret_parties, 0, sizeof *ret_parties);
    for (uint32_t at = 0; at + 1 < bytes && packed[at] != END; at += 2 + cf_party_bytes(packed + at + 1))
        memcpy(ret_parties->text[packed[at] - 1], packed + at + 1, 1 + cf_party_bytes(packed + at + 1));
}

bool cf_parties_check(const struct cf_engine *e, const struct cf_call *c, uint32_t *blocks) {
    uint8_t packed[BLOCKS_MAX * CF_PARTY_BLOCK_BYTES];
    uint32_t n = 0;
    for (uint32_t block = c->parties; block != CF_INDEX_NONE; block = e->parties[block].next)
        if (block >= e->g->parties_used || ++n > BLOCKS_MAX)
            return false;
    *blocks += n;
    uint32_t bytes = gather(e, c, packed), at = 0, last = END;
    while (at + 1 < bytes && packed[at] != END) {
        if (packed[at] <= last || packed[at] > CF_PARTIES || packed[at + 1] == 0)
            return false;
        last = packed[at];
        at += 2 + cf_party_bytes(packed + at + 1);
    }
    return at <= bytes;
}

/* ------------------------------------------------------------------ fields */

#define NONE 0xFF
#define CALLER 0xFE
#define CALLED 0xFD

static const struct {
    uint8_t party;
    bool address; /* empty: withheld */
} fields[] = {
    [CF_FIELD_CALLER] = {CALLER, true},
    [CF_FIELD_CALLER_NAME] = {CF_PARTY_CALLER_NAME, false},
    [CF_FIELD_CALLED] = {CALLED, true},
    [CF_FIELD_CALLED_NAME] = {CF_PARTY_CALLED_NAME, false},
    [CF_FIELD_NAME] = {NONE, false},
    [CF_FIELD_DESTINATION] = {NONE, false},
    [CF_FIELD_USER_USER] = {NONE, false},
    [CF_FIELD_ADDRESS] = {NONE, false},
    [CF_FIELD_PROVIDER_INFO] = {NONE, false},
    [CF_FIELD_LINE_CAPS] = {NONE, false},
    [CF_FIELD_CALL_PARAMS] = {NONE, false},
    [CF_FIELD_RAW_CAUSE] = {NONE, false},
    [CF_FIELD_CONNECTED] = {CF_PARTY_CONNECTED, true},
    [CF_FIELD_REDIRECTING] = {CF_PARTY_REDIRECTING, true},
    [CF_FIELD_REDIRECTING_NAME] = {CF_PARTY_REDIRECTING_NAME, false},
    [CF_FIELD_REDIRECTION] = {CF_PARTY_REDIRECTION, true},
    [CF_FIELD_REDIRECTION_NAME] = {CF_PARTY_REDIRECTION_NAME, false},
    [CF_FIELD_CONNECTED_NAME] = {CF_PARTY_CONNECTED_NAME, false},
};

static void set_field(uint8_t *text, uint32_t room, const struct cf_field *f) {
    cf_party_set(text, room, f->data, f->bytes);
    if (f->bytes == 0 && fields[f->tag].address)
        text[0] = CF_PARTY_WITHHELD;
}

void cf_parties_take(struct cf_engine *e, struct cf_call *c) {
    struct cf_parties p;
    struct cf_field f;
    bool more = false;
    for (struct cf_fields all = cf_fields_of(&e->in); cf_fields_next(&all, &f);) {
        uint8_t party = f.tag < sizeof fields / sizeof fields[0] && f.tag != CF_FIELD_END ? fields[f.tag].party : NONE;
        if (party == CALLER || party == CALLED) {
            uint8_t *text = party == CALLER ? c->caller : c->called;
            cf_touch_one(e, text);
            set_field(text, CF_PARTY_TEXT, &f);
        } else if (party != NONE) {
            if (!more)
                cf_parties_read(e, c, &p);
            more = true;
            set_field(p.text[party], CF_NAME_MAX, &f);
        }
    }
    if (more)
        store(e, c, &p);
}
