/*
 * The user agent of a line, server and client: messages in, messages and call events out.
 *
 * Shape:     one structure in memory that is handed in, with everything it will ever need; one per trunk line.
 * Units:     now_ns is CLOCK_MONOTONIC in nanoseconds and never goes back.
 * Invariant: cf_sip_ua_check(). Every call that was offered ends with exactly one IDLE, whatever arrives or fails to arrive.
 * Overlap:   one thread. The callbacks run inside the calls below; the event callback may operate on the call of an OFFERING or
 *            BEGUN event, and on other calls than that of a DONE event; `send` may call nothing here.
 * Progress:  no system call, no allocation, no clock; every loop is bounded by the size of the datagram or of a pool.
 * Errors:    operations return 0, -ESTALE (that call is gone), -EINVAL (not in its state) or what call.h says of them.
 * Trust:     datagrams are the network's. What is malformed is counted by kind, answered with 400, 505 or 513 where a response can
 *            be built, else dropped; what is not SIP is never answered.
 * Source:    RFC 3261 sections 8 to 15, 17, 22; RFC 6026; RFC 3581; RFC 3262 (reliable provisional responses); RFC 4028 (session
 *            timers); RFC 3311 (UPDATE).
 *
 * When memory is used up: a new INVITE gets 503 with Retry-After, a request within a dialog is answered without a
 * transaction, a message that cannot be kept is sent once and not repeated. All three are counted.
 * Max-Forwards is read and must be a number; a request that has come to its end has nowhere further to go, so 0 is no fault.
 */
#ifndef CALLFAN_ADAPTERS_SIP_UA_H
#define CALLFAN_ADAPTERS_SIP_UA_H

#include "adapters/sip/call.h"

struct cf_sip_ua;

struct cf_sip_ua_callbacks {
    void (*send)(void *context, const struct cf_sip_hop *to, const char *bytes, size_t len);
    void (*event)(void *context, const struct cf_sip_event *event);
    void (*hold)(void *context, uint64_t connection,
                 bool on); /* a call needs that connection, or not any more; may be NULL */
    void (*service)(void *context, bool in_service, unsigned status); /* the line's service changed; may be NULL */
    void *context;
};

/* Fills in defaults and says what is wrong: NULL, or a sentence. */
const char *cf_sip_config_complete(struct cf_sip_config *config);

/* Memory for a completed configuration. */
size_t cf_sip_ua_bytes(const struct cf_sip_config *config);

/* Makes the user agent in `memory`: zeroed, aligned to 64, of cf_sip_ua_bytes(). It takes the memory, which needs no fini. */
struct cf_sip_ua *cf_sip_ua_init(void *memory, const struct cf_sip_config *config,
                                 const struct cf_sip_ua_callbacks *callbacks, uint64_t now_ns);

/* Sends the first REGISTER and OPTIONS, where the configuration wants them. */
void cf_sip_ua_start(struct cf_sip_ua *ua, uint64_t now_ns);

/* Takes the registration back; true while the answer is awaited. */
bool cf_sip_ua_leave(struct cf_sip_ua *ua, uint64_t now_ns);

bool cf_sip_ua_in_service(const struct cf_sip_ua *ua);

/* ---- from the network and the clock */

/* One message. truncated: it was longer than the receiver's buffer. */
void cf_sip_ua_receive(struct cf_sip_ua *ua, uint64_t now_ns, const struct cf_sip_hop *source, const char *data,
                       size_t len, bool truncated);

/* No connection could be made to that address, or it broke: requests to it that nothing has answered are given up. */
void cf_sip_ua_connection_failed(struct cf_sip_ua *ua, uint64_t now_ns, const union cf_sip_addr *peer);

/* Runs the timers that are due. */
void cf_sip_ua_tick(struct cf_sip_ua *ua, uint64_t now_ns);

/* When to call cf_sip_ua_tick() next; CF_SIP_TIMER_NEVER. */
uint64_t cf_sip_ua_next_deadline(const struct cf_sip_ua *ua);

/* ---- from above */

/* Gives the call a value that comes back with its events. */
int cf_sip_ua_bind(struct cf_sip_ua *ua, uint64_t call, uint64_t user);

int cf_sip_ua_accept(struct cf_sip_ua *ua, uint64_t now_ns, uint64_t call); /* 180 */
int cf_sip_ua_answer(struct cf_sip_ua *ua, uint64_t now_ns, uint64_t call); /* 200 */

/* Sends a call that is not answered on, see cf_sip_call_redirect(). */
int cf_sip_ua_redirect(struct cf_sip_ua *ua, uint64_t now_ns, uint64_t call, struct cf_sip_words destination);

/* Makes a call: 0 with its name, -EINVAL no destination, -ENOSPC no room. No event tells the beginning. */
int cf_sip_ua_make(struct cf_sip_ua *ua, uint64_t now_ns, const struct cf_sip_making *making, uint64_t *ret_call);

/* These end later, with DONE: hold or retrieve, send digits (none: stop). */
int cf_sip_ua_hold(struct cf_sip_ua *ua, uint64_t now_ns, uint64_t call, bool hold);
int cf_sip_ua_digits(struct cf_sip_ua *ua, uint64_t now_ns, uint64_t call, const char *digits, size_t len,
                     uint32_t duration_ms);

/* The name of the call's dialog, for cf_sip_ua_refer() of another one, which may be of another line. */
int cf_sip_ua_name(struct cf_sip_ua *ua, uint64_t call, struct cf_sip_dialog_name *ret_name);

/* Transfers the call, or asks a focus to take another call or to let go of it, see cf_sip_call_refer(); ends later with DONE. */
int cf_sip_ua_refer(struct cf_sip_ua *ua, uint64_t now_ns, uint64_t call, const struct cf_sip_referring *referring);

/* While quiet, the call ends without DISCONNECTED: it is being transferred to another. */
int cf_sip_ua_quiet(struct cf_sip_ua *ua, uint64_t call, bool quiet);

/* True for a destination that cf_sip_ua_make() takes. */
bool cf_sip_ua_callable(const struct cf_sip_ua *ua, struct cf_sip_words destination);

/* Ends the call: before the answer with this final status (0: 603), after it with BYE, during the linger at once. */
int cf_sip_ua_drop(struct cf_sip_ua *ua, uint64_t now_ns, uint64_t call, unsigned status);

/* As drop, and no event comes any more: nobody wants to know of it. */
int cf_sip_ua_close(struct cf_sip_ua *ua, uint64_t now_ns, uint64_t call, unsigned status);

/* While on, new calls get 503: whoever takes the events cannot follow. */
void cf_sip_ua_overload(struct cf_sip_ua *ua, bool on);

/* ---- looking in */

struct cf_sip_live {
    uint32_t calls;
    uint32_t server_transactions;
    uint32_t client_transactions;
    uint32_t timers;
    uint32_t blocks_free;
    uint32_t blocks_max;
};

const struct cf_sip_counters *cf_sip_ua_counters(const struct cf_sip_ua *ua);
struct cf_sip_live cf_sip_ua_live(const struct cf_sip_ua *ua);

/* A live call, for a new listener. Texts are written to `text`, three times CF_SIP_IDENTITY_MAX bytes. */
struct cf_sip_snapshot {
    uint64_t call;
    uint64_t user;
    enum cf_sip_call_state state;
    bool outgoing;
    enum cf_sip_event_kind progress; /* outgoing: 0, PROCEEDING or RINGBACK */
    enum cf_sip_event_kind told;     /* connected: RESUMED (active), HELD or ONHOLD */
    struct cf_sip_words caller, caller_name, called;
};

/* That of one call. -ESTALE: it is gone. */
int cf_sip_ua_snapshot(const struct cf_sip_ua *ua, uint64_t call, char text[3][CF_SIP_IDENTITY_MAX],
                       struct cf_sip_snapshot *ret_snapshot);

/* Calls `each` for every live call that is not muted; it may close that call, and operate on no other. */
void cf_sip_ua_walk(const struct cf_sip_ua *ua, void (*each)(void *context, const struct cf_sip_snapshot *snapshot),
                    void *context);

bool cf_sip_ua_check(const struct cf_sip_ua *ua);

#endif
