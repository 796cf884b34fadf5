/* See forwarding.h. */
#include "core/forwarding.h"

#include "core/blocks.h"

/* Before the list, in the first block of its chain. */
struct head {
    uint32_t next; /* head of another address */
    uint32_t address;
    uint32_t rings;
    uint32_t bytes; /* of the list */
};

/* A list as it may be told: that it is not known how is allowed. */
static bool list_valid(const uint8_t *list, uint32_t bytes) {
    const uint8_t *at = list, *end = list + bytes;
    struct cf_forward_entry entry;
    for (uint32_t n = 0; at != end; n++) {
        if (n == CF_FORWARD_ENTRIES_MAX || !cf_forward_next(&at, end, &entry) || !cf_one_of(entry.head.mode, CF_FORWARD_MODES) ||
            entry.head.caller_bytes > CF_FORWARD_ADDRESS_MAX || entry.head.address_bytes > CF_FORWARD_ADDRESS_MAX)
            return false;
    }
    return true;
}

static struct head *head_at(const struct cf_engine *e, uint32_t block) { return (struct head *)e->parties[block].bytes; }

static uint32_t blocks_of(uint32_t bytes) {
    return ((uint32_t)sizeof(struct head) + bytes + CF_PARTY_BLOCK_BYTES - 1) / CF_PARTY_BLOCK_BYTES;
}

/* Where the index of that address's head stands, or that of the end. */
static uint32_t *find(const struct cf_engine *e, uint32_t line, uint32_t address) {
    uint32_t *at = &e->lines[line].forwarding;
    while (*at != CF_INDEX_NONE && head_at(e, *at)->address != address)
        at = &head_at(e, *at)->next;
    return at;
}

static void count(struct cf_engine *e, uint32_t line, uint32_t more) {
    uint32_t *blocks = &e->ports[e->lines[line].provider].forward_blocks;
    cf_touch_one(e, blocks);
    *blocks += more;
}

/* Takes out the one that stands there. */
static void drop(struct cf_engine *e, uint32_t line, uint32_t *at) {
    uint32_t block = *at;
    cf_touch_one(e, at);
    *at = head_at(e, block)->next;
    count(e, line, 0u - blocks_of(head_at(e, block)->bytes));
    cf_block_give(e, block);
}

static void set_unknown(struct cf_engine *e, uint32_t line, uint64_t addresses) {
    struct cf_line *l = &e->lines[line];
    if (l->forwarding_unknown == addresses)
        return;
    cf_touch_one(e, &l->forwarding_unknown);
    l->forwarding_unknown = addresses;
}

bool cf_forwarding_take(struct cf_engine *e, uint32_t line, uint32_t address, const uint8_t *list, uint32_t bytes, uint32_t rings) {
    struct cf_line *l = &e->lines[line];
    struct {
        struct head head;
        uint8_t list[CF_FORWARD_BYTES_MAX];
    } whole = {.head = {l->forwarding, address, rings, bytes}};
    uint64_t bit = UINT64_C(1) << address;
    if (!list_valid(list, bytes))
        return false;
    uint32_t *at = find(e, line, address);
    if (*at != CF_INDEX_NONE)
        drop(e, line, at);
    set_unknown(e, line, l->forwarding_unknown & ~bit);
    if (bytes == 0)
        return true;
    whole.head.next = l->forwarding;
    memcpy(whole.list, list, bytes);
    struct cf_bytes kept = CF_BYTES_NONE;
    if (e->ports[l->provider].forward_blocks + blocks_of(bytes) <= e->parties_max / 8 + 8)
        kept = cf_block_write(e, &whole, (uint32_t)sizeof whole.head + bytes);
    if (kept.first == CF_INDEX_NONE) {
        set_unknown(e, line, l->forwarding_unknown | bit);
        e->tally.parties_dropped++;
        return true;
    }
    cf_touch_one(e, &l->forwarding);
    l->forwarding = kept.first;
    count(e, line, blocks_of(bytes));
    return true;
}

bool cf_forwarding_forget_one(struct cf_engine *e, uint32_t line) {
    struct cf_line *l = &e->lines[line];
    set_unknown(e, line, 0);
    if (l->forwarding == CF_INDEX_NONE)
        return false;
    drop(e, line, &l->forwarding);
    return true;
}

void cf_forwarding_read(const struct cf_engine *e, uint32_t line, uint32_t address, struct cf_reply_address_status *r) {
    static const struct cf_forward_head unknown = {.mode = LINEFORWARDMODE_UNKNOWN};
    uint8_t whole[sizeof(struct head) + CF_FORWARD_BYTES_MAX];
    uint32_t block = *find(e, line, address);
    r->forward_rings = r->forward_bytes = 0;
    if (block != CF_INDEX_NONE) {
        r->forward_rings = head_at(e, block)->rings;
        r->forward_bytes = head_at(e, block)->bytes;
        cf_block_read(e, (struct cf_bytes){block, (uint32_t)sizeof(struct head) + r->forward_bytes}, whole);
        memcpy(r->forwards, whole + sizeof(struct head), r->forward_bytes);
    } else if ((e->lines[line].forwarding_unknown >> address & 1) != 0) {
        r->forward_bytes = sizeof unknown;
        memcpy(r->forwards, &unknown, sizeof unknown);
    }
}

bool cf_forwarding_check(const struct cf_engine *e, uint32_t line, uint32_t *blocks) {
    const struct cf_line *l = &e->lines[line];
    uint64_t seen = l->forwarding_unknown;
    for (uint32_t block = l->forwarding; block != CF_INDEX_NONE; block = head_at(e, block)->next) {
        if (block >= e->g->parties_used)
            return false;
        const struct head *h = head_at(e, block);
        if (h->address >= CF_ADDRESSES_PER_LINE_MAX || (seen >> h->address & 1) != 0 || h->bytes == 0 || h->bytes > CF_FORWARD_BYTES_MAX)
            return false;
        seen |= UINT64_C(1) << h->address;
        uint8_t whole[sizeof *h + CF_FORWARD_BYTES_MAX];
        const struct cf_bytes kept = {block, (uint32_t)sizeof *h + h->bytes};
        if (!cf_block_check(e, kept, blocks))
            return false;
        cf_block_read(e, kept, whole);
        if (!list_valid(whole + sizeof *h, h->bytes))
            return false;
    }
    return true;
}
