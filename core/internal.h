/*
 * What the files of the engine share among themselves. Data flow: take.c reads records -> door.c, events.c, requests.c act on
 * lines.c, calls.c -> output.c writes messages -> service.c does what is due in slices -> turn.c commits and publishes.
 */
#ifndef CF_CORE_INTERNAL_H
#define CF_CORE_INTERNAL_H

#include "core/state.h"

/* ------------------------------------------------------------------ output.c: messages, answers, commands */

/* The port puts something out in this turn: it will be published, and its first line may be written. */
void cf_port_dirty_first(struct cf_engine *e, uint32_t port);
static inline void cf_port_dirty(struct cf_engine *e, uint32_t port) {
    if (cf_unlikely((e->dirty_set[port / 64] >> (port % 64) & 1) == 0))
        cf_port_dirty_first(e, port);
}
/* The turn that made them dirty is over. */
void cf_ports_clean(struct cf_engine *e);

/* Looks at the port once for all messages of this turn: is it in step, how far may its tail go? False: the next one takes the long way. */
bool cf_outlet_open(struct cf_engine *e, uint32_t port);
/* Whoever takes it out of step or out of its life, or keeps more of its slots back, has it looked at again. */
static inline void cf_outlet_shut(struct cf_engine *e, uint32_t port) { e->outlet[port].limit = 0; }

/* Slots free in the down ring; reads the peer's acknowledgement again when fewer than want are known. */
uint64_t cf_output_look_again(struct cf_engine *e, struct cf_port_view *v);
static inline uint64_t cf_output_free(struct cf_engine *e, struct cf_port_view *v, uint64_t want) {
    const struct cf_port *p = v->p;
    uint64_t seen = p->mask + 1 - (p->tail - p->head_seen);
    return cf_likely(seen >= want) ? seen : cf_output_look_again(e, v);
}

typedef uint64_t cf_pair __attribute__((vector_size(16), may_alias)); /* stored at once */
_Static_assert(offsetof(struct cf_message, param1) % sizeof(cf_pair) == 0 && offsetof(struct cf_message, param2) % sizeof(cf_pair) == 8, "a pair");

#define CF_PREFETCH_SLOTS 4 /* of each ring, ahead of the tail: each delivery is a store to a line that the consumer had last */

/* The message itself, of a port that is dirty: sequence is given here, and what counts outputs is told by who calls. */
static inline void cf_output_put(const struct cf_outlet *o, uint16_t id, uint64_t device, cf_pair p1_p2, uint64_t p3, int64_t time_ns,
                                 uint32_t open_line) {
    struct cf_port *p = o->p;
    uint64_t tail = p->tail++, mask = p->mask;
    struct cf_message *m = (struct cf_message *)&o->ring[tail & mask];
    cf_prefetch_write(&o->ring[(tail + CF_PREFETCH_SLOTS) & mask]);
    m->sequence = ++p->sequence;
    m->time_ns = time_ns;
    m->device = device;
    *(cf_pair *)&m->param1 = p1_p2;
    m->param3 = p3;
    m->id = id;
    m->slots = 1;
    m->flags = 0;
    m->open_line = open_line;
    p->messages++;
}

/* One message, no payload, without looking for room. */
static inline void cf_output_message(struct cf_engine *e, uint32_t port, uint16_t id, uint64_t device, uint64_t p1, uint64_t p2,
                                     uint64_t p3, int64_t time_ns, uint32_t open_line) {
    cf_port_dirty(e, port);
    cf_output_put(&e->outlet[port], id, device, (cf_pair){p1, p2}, p3, time_ns, open_line);
    e->tally.outputs++;
    cf_journal_point(&e->journal, CF_POINT_OUTPUT);
}

/* A record with payload, without looking for room; cost as cf_ring_cost() says. Sets its slots and its sequence number. */
void cf_output_record(struct cf_engine *e, uint32_t port, struct cf_record *r);

/* A GAP or RESYNC_END: stands for `folded` messages offered before; its own sequence is the last. counts: it is a message itself. */
void cf_output_gap(struct cf_engine *e, uint32_t port, uint16_t id, uint64_t folded, bool counts, uint64_t p3);

/*
 * Offers a message, no payload. False: there was no room, and what its row in core/loss.c says was done: it was counted as missed unless it
 * is never lost, and a handle or open line remembers it. What requests and devices keep, their files keep.
 */
bool cf_output_tell(struct cf_engine *e, uint32_t port, uint16_t id, uint64_t device, uint64_t p1, uint64_t p2, uint64_t p3,
                    int64_t time_ns, uint32_t open_line);

/* Whether such a message of no call would be told now. */
bool cf_output_may_tell(struct cf_engine *e, uint32_t port, uint16_t id);

/* Room for an ordinary message of cost slots and the port in step? Else the port falls behind (cause) and false. */
bool cf_output_not_ready(struct cf_engine *e, uint32_t port);
static inline bool cf_output_ready(struct cf_engine *e, uint32_t port, uint64_t cost) {
    struct cf_port_view *v = &e->view[port];
    uint64_t want = cost + v->p->reserve;
    return cf_likely(v->p->step != CF_BEHIND && cf_output_free(e, v, want) >= want) || cf_output_not_ready(e, port);
}

/* n messages were offered and not told. */
void cf_output_missed(struct cf_engine *e, struct cf_port *p, uint64_t n);

/* The answer of a synchronous request (e->in is it). */
void cf_output_answer(struct cf_engine *e, uint32_t port, int32_t result, const void *data, uint32_t bytes);

/* Slots of a provider's ring: without the first its records wait; what is due leaves the second free, requests the third. */
#define CF_PROVIDER_ROOM 16u
#define CF_PROVIDER_KEEP_DUES 32u
#define CF_PROVIDER_KEEP_REQUESTS 64u

/* e->out to a provider or the door. False: its ring has no room. */
bool cf_output_command(struct cf_engine *e, uint32_t port, uint32_t keep_free);

/* Begins e->out. */
struct cf_record *cf_output_begin(struct cf_engine *e, uint16_t id, uint64_t device, uint64_t p1, uint64_t p2, uint64_t p3);

void cf_port_busy(struct cf_engine *e, uint32_t port);
bool cf_port_is_busy(const struct cf_engine *e, uint32_t port);

/* ------------------------------------------------------------------ ports.c */

/* rights: of an application, else NULL. */
void cf_port_format_state(struct cf_engine *e, uint32_t port, uint8_t kind, uint32_t generation, const char *name, uint32_t name_bytes,
                          const struct cf_rights *rights);
static inline uint64_t cf_port_handle(const struct cf_engine *e, uint32_t port, uint32_t index, uint32_t generation) {
    return cf_handle_of_usage(e->view[port].p->usage, index, CF_KIND_CALL, generation);
}

/* So many calls were looked at: what asks for more of it in this turn waits for the next (cf_request_take()). */
static inline void cf_looked_at(struct cf_engine *e, uint32_t calls) {
    e->looks_left = calls < e->looks_left ? e->looks_left - calls : 0;
}

/* ------------------------------------------------------------------ lines.c: devices and opens */

/* What that application may do on that line: CF_RIGHT_ bits. Each way to a privilege asks here. */
uint32_t cf_line_rights(const struct cf_engine *e, uint32_t port, uint32_t line);
struct cf_open_line *cf_open_find(struct cf_engine *e, uint32_t port, uint64_t hline);
uint64_t cf_open_hline(const struct cf_engine *e, uint32_t port, uint32_t open_line);
uint32_t cf_line_announce(struct cf_engine *e, uint32_t provider, uint32_t number); /* device id, CF_INDEX_NONE when full */
int32_t cf_line_open(struct cf_engine *e, uint32_t port, const struct cf_message *m);
/* The line word of that open changes: every call handle of it is void. forced: LINE_CLOSE was or will be told. */
void cf_line_close_open(struct cf_engine *e, uint32_t port, uint32_t open_line, bool forced);
/* LINE_CLOSE to every open of the line, which end there. */
void cf_line_force_close(struct cf_engine *e, uint32_t line);
void cf_line_removed(struct cf_engine *e, uint32_t line);
/* LINE_DEVSPECIFIC as e->in has it, to every open of the line. */
void cf_line_dev_specific(struct cf_engine *e, uint32_t line);
/* LINE_LINEDEVSTATE to the opens that asked for one of the bits, but not to except_open of except_port. */
void cf_line_tell(struct cf_engine *e, uint32_t line, uint32_t bits, uint64_t p2, uint64_t p3, uint32_t except_port,
                  uint32_t except_open);
void cf_line_news(struct cf_engine *e, uint32_t line); /* LINE_CREATE or LINE_REMOVE, by its state, to every application */
void cf_line_states_union(struct cf_engine *e, uint32_t line);
/* For every position in use: for (cf_positions ...) */
uint32_t cf_line_next_position(const struct cf_line *l, uint32_t from);
void cf_open_due(struct cf_engine *e, uint32_t port, uint32_t open_line, uint8_t due);

/* ------------------------------------------------------------------ address.c */

#define CF_ON_HOLD (LINECALLSTATE_ONHOLD | LINECALLSTATE_ONHOLDPENDCONF | LINECALLSTATE_ONHOLDPENDTRANSFER)

enum cf_address_use { CF_ADDRESS_UNUSED, CF_ADDRESS_ACTIVE, CF_ADDRESS_ON_HOLD, CF_ADDRESS_ON_HOLD_PENDING, CF_ADDRESS_USES };

/* How a call in that state uses its address. */
enum cf_address_use cf_address_use_of(uint32_t state);
/* A call of the line's list uses its address otherwise than before: counted, and told to the opens that asked for it. */
void cf_address_call(struct cf_engine *e, const struct cf_call *c, enum cf_address_use was, enum cf_address_use is);
/* LINE_ADDRESSSTATE to the opens that asked for one of the bits. */
void cf_address_tell(struct cf_engine *e, uint32_t line, uint32_t address, uint32_t bits);
/* lineGetAddressStatus: answers e->in. */
void cf_address_status(struct cf_engine *e, uint32_t port);

/* ------------------------------------------------------------------ owners.c */

/* Gives an OFFERING call that nobody has a handle for its initial owner, if somebody may be. */
void cf_call_choose_owner(struct cf_engine *e, struct cf_call *c);
/* Takes e->in if it is lineHandoff, lineSetAppSpecific, lineSetMediaMode; false when it is none. */
bool cf_owners_take(struct cf_engine *e, uint32_t port);

/* ------------------------------------------------------------------ priority.c */

/* Where the application stands in the list of that media mode, from 1; behind the last when it does not. */
uint32_t cf_priority_rank(const struct cf_engine *e, uint32_t port, uint32_t media);
/* The port has a new name. */
void cf_priority_of_port(struct cf_engine *e, uint32_t port);
/* Its ranks are those of its name. */
bool cf_priority_check_port(const struct cf_engine *e, uint32_t port);
/* After a commit: others see the lists as they are. */
void cf_priorities_show(struct cf_engine *e);
/* Takes e->in if it is lineSetAppPriority or lineGetAppPriority; false when it is none. */
bool cf_priority_take(struct cf_engine *e, uint32_t port);

/* ------------------------------------------------------------------ calls.c */

struct cf_call *cf_call_make(struct cf_engine *e, uint32_t line, uint32_t address, uint32_t provider);
/* A field's text, cut at its room; length-prefixed. Without the field nothing changes. */
void cf_call_set_text(uint8_t *field, uint32_t room, const struct cf_record *r, uint16_t tag);
void cf_call_link(struct cf_engine *e, struct cf_call *c);
/* Gives the open at that position a handle. Its index, or CF_INDEX_NONE. */
uint32_t cf_call_give_handle(struct cf_engine *e, struct cf_call *c, uint32_t position, bool owner);
/* LINE_APPNEWCALL + LINE_CALLSTATE with a new handle, or the note that it is due. True when told. */
bool cf_call_announce(struct cf_engine *e, struct cf_call *c, uint32_t position, bool owner, uint32_t state, uint32_t mode);
/* To the opens with MONITOR privilege that have no handle; except is a position or CF_INDEX_NONE. */
void cf_call_announce_monitors(struct cf_engine *e, struct cf_call *c, uint32_t state, uint32_t mode);
/* Handles and room for the bundle; without the room the port falls behind. */
bool cf_call_may_announce(struct cf_engine *e, const struct cf_call *c, uint32_t port);
/*
 * Makes the open at that position an owner of the call, at the request of an application (lineHandoff): the handle that it has, else a new
 * one. It is told so at once, or as soon as it reads again; others but the giver learn the counts. False: no handle or reference is free.
 */
bool cf_call_hand(struct cf_engine *e, struct cf_call *c, uint32_t position, uint32_t giver);
/* The bundle of a handle whose announcement is due. False: no room. */
bool cf_call_announce_handed(struct cf_engine *e, struct cf_call *c, uint32_t port, uint32_t index);
/* A call ended of which that application was not told. */
void cf_call_unseen(struct cf_engine *e, struct cf_port *p);
/* A new state to every handle. */
void cf_call_state(struct cf_engine *e, struct cf_call *c, uint32_t state, uint32_t mode, int64_t time_ns);
/* LINE_CALLINFO to every handle. */
void cf_call_info(struct cf_engine *e, struct cf_call *c, uint32_t bits, int64_t time_ns);
void cf_call_info_but(struct cf_engine *e, struct cf_call *c, uint32_t bits, int64_t time_ns, uint32_t except_port);
/* LINE_DEVSPECIFIC as e->in has it, to every handle; none after IDLE. */
void cf_call_dev_specific(struct cf_engine *e, struct cf_call *c);
/* Owner and monitor counts changed: told in slices to every handle that is not of port except. */
void cf_call_notice(struct cf_engine *e, struct cf_call *c, uint32_t bits, uint32_t except_port);
/* Frees one handle and its reference. closed: by close or death, so that the close policy holds. Frees the call with the last one. */
void cf_call_release(struct cf_engine *e, struct cf_call *c, uint32_t ref_at, bool closed, uint32_t causer);
uint32_t cf_call_find_position(const struct cf_engine *e, const struct cf_call *c, uint32_t position); /* ref number or CF_INDEX_NONE */
uint64_t cf_call_ref(const struct cf_engine *e, const struct cf_call *c, uint32_t at);
void cf_call_drop_void(struct cf_engine *e, struct cf_call *c);
/* Ends a call whose provider cannot tell: DISCONNECTED(mode) and IDLE. */
void cf_call_end(struct cf_engine *e, struct cf_call *c, uint32_t mode);
/* Without a reference and nobody to be told: closes it towards the provider and frees it. */
void cf_call_collect(struct cf_engine *e, struct cf_call *c);
void cf_call_due(struct cf_engine *e, struct cf_call *c, uint16_t due);
void cf_call_free(struct cf_engine *e, struct cf_call *c);
/* That application does not wait for the call any more. */
void cf_call_told(struct cf_engine *e, uint32_t port, uint32_t call);
bool cf_ref_live(const struct cf_engine *e, const struct cf_call *c, uint64_t ref, uint32_t *ret_port, uint32_t *ret_open_line);

/* ------------------------------------------------------------------ requests.c */

/* False: not now (the open line's slot is still being swept); the record stays in the ring. */
bool cf_request_take(struct cf_engine *e, uint32_t port);
/* The request in e->in crashed the engine again and again: it fails. */
void cf_request_set_aside(struct cf_engine *e, uint32_t port);
void cf_request_finish(struct cf_engine *e, uint32_t port, uint32_t at, int32_t result);
void cf_request_send_reply(struct cf_engine *e, uint32_t port, struct cf_request *q);
/* The ring has room for the message that tells its end. */
bool cf_request_has_room(struct cf_engine *e, uint32_t port, const struct cf_request *q);
/* The line was closed since, or the handle that it is apart for was given back: nothing is told (H-62). */
bool cf_request_void(const struct cf_engine *e, uint32_t port, const struct cf_request *q);
void cf_request_free(struct cf_engine *e, uint32_t port, uint32_t at);
/* Frees the first of the replies that wait, or all of them; false: the turn has no room for more. */
void cf_request_forget_first(struct cf_engine *e, uint32_t port);
bool cf_request_forget_replies(struct cf_engine *e, uint32_t port);
/* A provider's reply. */
void cf_request_replied(struct cf_engine *e, uint32_t provider);
/* Its call's maker is gone: forgets the request and the call it was making. */
void cf_request_orphan(struct cf_engine *e, uint32_t port, uint32_t at);

/* ------------------------------------------------------------------ events.c, door.c */

void cf_event_take(struct cf_engine *e, uint32_t provider);
/* The event in e->in crashed the engine again and again: its call ends, its request fails. */
void cf_event_set_aside(struct cf_engine *e, uint32_t provider);
/* The provider's call identifier of that index is in use. */
void cf_event_uses(struct cf_engine *e, uint32_t provider, uint32_t index);
/* A call that the provider made and nobody wants: what it still posts of it is late, not wrong. False: it is none that is new. */
bool cf_event_ended(struct cf_engine *e, uint32_t provider, uint64_t call);
void cf_door_take(struct cf_engine *e);
void cf_door_set_aside(struct cf_engine *e);

/* ------------------------------------------------------------------ service.c, behind.c */

/* Room in the journal for the worst that one step of a slice can change. */
#define CF_STEP_LINES 4096
static inline bool cf_slice_room(const struct cf_engine *e) { return cf_journal_room(&e->journal) > CF_STEP_LINES; }

/* What is due on busy ports, in slices. True when more could be done at once. */
bool cf_service(struct cf_engine *e);
/* Of the requests that are outstanding: those of closed lines are so many as are counted. ret_open: those of open lines. Adds the blocks
 * that they keep to *blocks. */
bool cf_requests_check(const struct cf_engine *e, uint32_t port, uint64_t *ret_open, uint32_t *blocks);
void cf_behind_enter(struct cf_engine *e, uint32_t port, uint32_t cause);
/* One slice of recovery or resync; true when it made progress and more is due. */
bool cf_behind_step(struct cf_engine *e, uint32_t port);
bool cf_notices_step(struct cf_engine *e, uint32_t port);
/* Kept replies, closes, device news. True when something had to stay for want of room. */
bool cf_dues_step(struct cf_engine *e, uint32_t port);

/* A call is about to be freed or unlinked: walks that stand on it step on. */
void cf_walks_leave(struct cf_engine *e, struct cf_call *c);

#endif
