/* Lines: devices that providers announce, and the opens of them by applications. */
#include "core/internal.h"

/* ------------------------------------------------------------------ devices */

uint32_t cf_line_announce(struct cf_engine *e, uint32_t provider, uint32_t number) {
    struct cf_port_view *v = &e->view[provider];
    if (number >= e->limits.lines)
        return CF_INDEX_NONE;
    uint32_t line = v->provider_lines[number];
    if (line == 0) {
        if (e->g->lines_used == e->limits.lines)
            return CF_INDEX_NONE;
        cf_touch_one(e, &e->g->lines_used);
        line = ++e->g->lines_used;
        cf_touch_one(e, &v->provider_lines[number]);
        v->provider_lines[number] = line;
        struct cf_line *l = &e->lines[line - 1];
        cf_touch_range(&e->journal, l, sizeof *l);
        l->number = number;
        l->provider = (uint16_t)provider;
        l->calls_first = l->calls_last = l->forwarding = CF_INDEX_NONE;
    }
    cf_touch_one(e, &v->p->lines_used);
    if (number >= v->p->lines_used)
        v->p->lines_used = number + 1;
    return line - 1;
}

uint32_t cf_line_next_position(const struct cf_line *l, uint32_t from) {
    while (from < CF_OPENS_PER_LINE_MAX) {
        uint64_t rest = l->used[from / 64] >> (from % 64);
        if (rest != 0)
            return from + (uint32_t)__builtin_ctzll(rest);
        from = (from / 64 + 1) * 64;
    }
    return CF_INDEX_NONE;
}

void cf_line_news(struct cf_engine *e, uint32_t line) {
    for (uint32_t i = 0; i < e->active_count; i++) {
        uint32_t port = e->active[i];
        struct cf_port_view *v = &e->view[port];
        if (v->p->kind != CF_PORT_APPLICATION || v->p->state != CF_PORT_LIVE)
            continue;
        if (cf_marks_set(&v->news, &e->journal, line)) {
            cf_touch_one(e, &v->p->news);
            v->p->news++;
        }
        cf_port_busy(e, port);
    }
}

void cf_line_tell(struct cf_engine *e, uint32_t line, uint32_t bits, uint64_t p2, uint64_t p3, uint32_t except_port,
                  uint32_t except_open) {
    struct cf_line *l = &e->lines[line];
    if ((l->states_union & bits) == 0)
        return;
    for (uint32_t at = cf_line_next_position(l, 0); at != CF_INDEX_NONE; at = cf_line_next_position(l, at + 1)) {
        uint64_t open = *cf_open_at(e, line, at);
        uint32_t port = cf_open_port_of(open), index = cf_open_line_of(open);
        if (!(open & CF_OPEN_LIVE) || e->ports[port].state != CF_PORT_LIVE || (port == except_port && index == except_open))
            continue;
        uint32_t wanted = e->view[port].open_lines[index].line_states & bits;
        if (wanted != 0)
            cf_output_tell(e, port, LINE_LINEDEVSTATE, cf_open_hline(e, port, index), wanted, p2, p3, e->now_ns, index);
    }
}

void cf_line_dev_specific(struct cf_engine *e, uint32_t line) {
    const struct cf_message *m = &e->in.m;
    for (uint32_t at = cf_line_next_position(&e->lines[line], 0); at != CF_INDEX_NONE;
         at = cf_line_next_position(&e->lines[line], at + 1)) {
        uint64_t open = *cf_open_at(e, line, at);
        uint32_t port = cf_open_port_of(open), index = cf_open_line_of(open);
        if ((open & CF_OPEN_LIVE) != 0 && e->ports[port].state == CF_PORT_LIVE)
            cf_output_tell(e, port, LINE_DEVSPECIFIC, cf_open_hline(e, port, index), (uint32_t)m->param1, (uint32_t)m->param2,
                           (uint32_t)m->param3, m->time_ns, index);
    }
}

void cf_line_states_union(struct cf_engine *e, uint32_t line) {
    struct cf_line *l = &e->lines[line];
    uint32_t states = 0, addresses = 0, media = 0;
    for (uint32_t at = cf_line_next_position(l, 0); at != CF_INDEX_NONE; at = cf_line_next_position(l, at + 1)) {
        uint64_t open = *cf_open_at(e, line, at);
        if (!(open & CF_OPEN_LIVE))
            continue;
        const struct cf_open_line *o = &e->view[cf_open_port_of(open)].open_lines[cf_open_line_of(open)];
        states |= o->line_states;
        addresses |= o->address_states;
        media |= o->media_modes;
    }
    cf_touch_one(e, l);
    l->states_union = states;
    l->address_states_union = addresses;
    if ((addresses & ~e->g->address_states_ever) != 0) {
        cf_touch_one(e, &e->g->address_states_ever);
        e->g->address_states_ever |= addresses;
    }
    l->media_modes = media;
}

void cf_line_removed(struct cf_engine *e, uint32_t line) {
    struct cf_line *l = &e->lines[line];
    cf_touch_one(e, l);
    l->state = CF_LINE_REMOVED;
    cf_line_news(e, line);
}

/* ------------------------------------------------------------------ opens */

uint32_t cf_line_rights(const struct cf_engine *e, uint32_t port, uint32_t line) {
    const struct cf_line *l = &e->lines[line];
    return cf_rights_of(e->view[port].rights, cf_rights_provider(e->ports[l->provider].name), l->number);
}

struct cf_open_line *cf_open_find(struct cf_engine *e, uint32_t port, uint64_t hline) {
    uint32_t index = cf_handle_slot(hline);
    if (cf_handle_kind(hline) != CF_KIND_LINE || cf_handle_usage(hline) != e->ports[port].usage || index >= e->ports[port].opens_used)
        return NULL;
    struct cf_open_line *o = &e->view[port].open_lines[index];
    return o->state == CF_OPEN_OPEN && o->generation == cf_handle_generation(hline) ? o : NULL;
}

uint64_t cf_open_hline(const struct cf_engine *e, uint32_t port, uint32_t open_line) {
    return cf_handle_of_usage(e->ports[port].usage, open_line, CF_KIND_LINE, e->view[port].open_lines[open_line].generation);
}

void cf_open_due(struct cf_engine *e, uint32_t port, uint32_t open_line, uint8_t due) {
    struct cf_port *p = &e->ports[port];
    struct cf_open_line *o = &e->view[port].open_lines[open_line];
    cf_touch_one(e, o);
    bool queued = (o->due & CF_DUE_QUEUED) != 0;
    o->due |= due | CF_DUE_QUEUED;
    cf_port_busy(e, port);
    if (queued)
        return;
    o->next_due = CF_INDEX_NONE;
    cf_touch_one(e, &p->due_first);
    if (p->due_last == CF_INDEX_NONE) {
        p->due_first = open_line;
    } else {
        cf_touch_one(e, &e->view[port].open_lines[p->due_last]);
        e->view[port].open_lines[p->due_last].next_due = open_line;
    }
    p->due_last = open_line;
}

/* The first position of the line that no open uses. */
static uint32_t free_position(const struct cf_line *l) {
    for (uint32_t i = 0; i < CF_OPENS_PER_LINE_MAX / 64; i++)
        if (l->used[i] != UINT64_MAX)
            return i * 64 + (uint32_t)__builtin_ctzll(~l->used[i]);
    return CF_INDEX_NONE;
}

static bool media_valid(uint32_t media) { return media != 0 && (media & ~(uint32_t)0xFFFE) == 0; }

/* The parameters of lineOpen that the library cannot judge. 0 or LINEERR_. */
static int32_t open_allowed(const struct cf_engine *e, uint32_t line, uint32_t privileges, uint32_t media, uint32_t address) {
    uint32_t plain = privileges & ~(LINEOPENOPTION_SINGLEADDRESS | LINEOPENOPTION_PROXY);
    if (line >= e->g->lines_used)
        return LINEERR_BADDEVICEID;
    const struct cf_line *l = &e->lines[line];
    if (l->state == CF_LINE_REMOVED)
        return LINEERR_NODEVICE;
    if ((privileges & LINEOPENOPTION_PROXY) != 0)
        return LINEERR_OPERATIONUNAVAIL;
    if (plain != LINECALLPRIVILEGE_NONE && plain != LINECALLPRIVILEGE_MONITOR && plain != LINECALLPRIVILEGE_OWNER &&
        plain != (LINECALLPRIVILEGE_MONITOR | LINECALLPRIVILEGE_OWNER))
        return LINEERR_INVALPRIVSELECT;
    if ((plain & LINECALLPRIVILEGE_OWNER) != 0 && !media_valid(media))
        return LINEERR_INVALMEDIAMODE;
    if ((privileges & LINEOPENOPTION_SINGLEADDRESS) != 0 && address >= l->addresses)
        return LINEERR_INVALADDRESSID;
    if (l->state != CF_LINE_UP || e->ports[l->provider].state != CF_PORT_LIVE)
        return LINEERR_RESOURCEUNAVAIL;
    return 0;
}

/* NONE needs a right too: who opens a line learns how many calls it has. */
static bool open_granted(const struct cf_engine *e, uint32_t port, uint32_t line, uint32_t privileges) {
    uint32_t rights = cf_line_rights(e, port, line);
    return rights != 0 && ((privileges & LINECALLPRIVILEGE_OWNER) == 0 || (rights & CF_RIGHT_OWN) != 0) &&
           ((privileges & LINECALLPRIVILEGE_MONITOR) == 0 || (rights & CF_RIGHT_MONITOR) != 0);
}

static void tell_provider_line(struct cf_engine *e, const struct cf_line *l, uint16_t id) {
    cf_output_begin(e, id, 0, l->number, l->media_modes, 0);
    cf_output_command(e, l->provider, CF_PROVIDER_KEEP_REQUESTS); /* advice only: a provider whose ring is full does not get it */
}

int32_t cf_line_open(struct cf_engine *e, uint32_t port, const struct cf_message *m) {
    struct cf_port *p = &e->ports[port];
    uint32_t index = cf_handle_slot(m->device), line = (uint32_t)m->param1, privileges = (uint32_t)m->param2;
    uint32_t media = (uint32_t)(m->param2 >> 32), address = (uint32_t)(m->param3 >> 32);
    if (cf_handle_kind(m->device) != CF_KIND_LINE || cf_handle_usage(m->device) != p->usage || index >= e->limits.open_lines)
        return LINEERR_INVALLINEHANDLE;
    struct cf_open_line *o = &e->view[port].open_lines[index];
    if (o->state != CF_OPEN_FREE)
        return o->state == CF_OPEN_OPEN ? LINEERR_INVALLINEHANDLE : LINEERR_RESOURCEUNAVAIL;
    int32_t allowed = m->param1 > UINT32_MAX ? LINEERR_BADDEVICEID : open_allowed(e, line, privileges, media, address);
    if (allowed != 0)
        return allowed;
    if (!open_granted(e, port, line, privileges)) {
        e->tally.denied++;
        return LINEERR_INVALPRIVSELECT;
    }
    struct cf_line *l = &e->lines[line];
    uint32_t position = free_position(l);
    if (position == CF_INDEX_NONE || p->opens_live >= e->view[port].rights->open_lines)
        return LINEERR_RESOURCEUNAVAIL;
    cf_touch_one(e, &p->opens_used);
    if (index >= p->opens_used)
        p->opens_used = index + 1;
    p->opens_live++;
    cf_touch_one(e, &e->g->serial);
    cf_touch_one(e, o);
    *o = (struct cf_open_line){
        .generation = cf_handle_generation(m->device), .line = line, .state = CF_OPEN_OPEN, .position = (uint8_t)position,
        .media_modes = (privileges & LINECALLPRIVILEGE_OWNER) != 0 ? media : 0, .address = address, .next_due = CF_INDEX_NONE, .next_sweep = CF_INDEX_NONE,
        .opened = e->g->serial++,
    };
    uint64_t flags = CF_OPEN_LIVE;
    flags |= (privileges & LINECALLPRIVILEGE_MONITOR) != 0 ? CF_OPEN_MONITOR : 0;
    flags |= (privileges & LINECALLPRIVILEGE_OWNER) != 0 ? CF_OPEN_OWNER : 0;
    flags |= (privileges & LINEOPENOPTION_SINGLEADDRESS) != 0 ? CF_OPEN_SINGLE_ADDRESS : 0;
    uint64_t *open = cf_open_at(e, line, position);
    cf_touch_one(e, open);
    *open = cf_open_make(port, index, flags);
    cf_touch_range(&e->journal, l, sizeof *l);
    l->used[position / 64] |= UINT64_C(1) << (position % 64);
    cf_touch_one(e, &e->g->opens);
    e->g->opens++;
    l->opens++;
    uint32_t modes = l->media_modes;
    l->media_modes |= o->media_modes;
    if (l->opens == 1 || l->media_modes != modes)
        tell_provider_line(e, l, CF_CMD_OPEN_LINE);
    cf_line_tell(e, line, LINEDEVSTATE_OPEN, 0, 0, port, index);
    return 0;
}

void cf_line_close_open(struct cf_engine *e, uint32_t port, uint32_t open_line, bool forced) {
    struct cf_port *p = &e->ports[port];
    struct cf_open_line *o = &e->view[port].open_lines[open_line];
    struct cf_line *l = &e->lines[o->line];
    uint64_t *open = cf_open_at(e, o->line, o->position);
    cf_touch_one(e, open);
    *open &= ~CF_OPEN_LIVE; /* the line word: every call handle of this open is void from here on */
    cf_touch_one(e, o);
    o->state = CF_OPEN_CLOSED;
    o->forced = forced;
    o->line_states = 0;
    o->address_states = 0;
    o->next_sweep = CF_INDEX_NONE;
    cf_touch_one(e, &p->requests_void);
    p->requests_void = (uint16_t)(p->requests_void + o->requests);
    o->requests = 0;
    cf_touch_one(e, &p->sweep_first);
    p->opens_live--;
    if (p->sweep_last == CF_INDEX_NONE) {
        p->sweep_first = open_line;
    } else {
        cf_touch_one(e, &e->view[port].open_lines[p->sweep_last]);
        e->view[port].open_lines[p->sweep_last].next_sweep = open_line;
    }
    p->sweep_last = open_line;
    cf_port_busy(e, port);
    cf_touch_one(e, l);
    l->opens--;
    l->closed++;
    cf_touch_one(e, &e->g->opens);
    e->g->opens--;
    uint32_t modes = l->media_modes;
    cf_line_states_union(e, o->line);
    if (!forced)
        cf_line_tell(e, o->line, LINEDEVSTATE_CLOSE, 0, 0, port, open_line);
    if (l->state != CF_LINE_UP)
        return;
    if (l->opens == 0)
        tell_provider_line(e, l, CF_CMD_CLOSE_LINE);
    else if (l->media_modes != modes)
        tell_provider_line(e, l, CF_CMD_OPEN_LINE); /* H-67 */
}

void cf_line_force_close(struct cf_engine *e, uint32_t line) {
    struct cf_line *l = &e->lines[line];
    for (uint32_t at = cf_line_next_position(l, 0); at != CF_INDEX_NONE; at = cf_line_next_position(l, at + 1)) {
        uint64_t open = *cf_open_at(e, line, at);
        uint32_t port = cf_open_port_of(open), index = cf_open_line_of(open);
        if (!(open & CF_OPEN_LIVE))
            continue;
        if (e->ports[port].state == CF_PORT_LIVE)
            cf_output_tell(e, port, LINE_CLOSE, cf_open_hline(e, port, index), 0, 0, 0, e->now_ns, index);
        cf_line_close_open(e, port, index, true);
    }
}
