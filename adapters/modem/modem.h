/*
 * One modem, its line and its calls: bytes and commands in, states and bytes out.
 *
 * Shape      a chat (chat.h) and up to CF_MODEM_CALLS_MAX calls, which RING, +CLIP, +CCWA, +CLCC, results of ATD and ATA and the URCs of makers
 *            speak of; they are merged by the id of +CLCC where one is known, else by what can be meant
 * Units      ns, whatever clock the caller passes in
 * Invariant  pure: no system call, no clock, no allocation. Every call that was offered or dialled with success is told IDLE exactly once,
 *            as its last state, unless the core closed or refused it before. Every command is replied to exactly once
 * Errors     what cannot be done is replied to with LINEERR_; what the modem says beside all sense is counted
 * Trust      the modem is believed in nothing that could break an invariant
 * Source     docs/adapters/modem.md has the tables
 */
#ifndef CALLFAN_ADAPTERS_MODEM_MODEM_H
#define CALLFAN_ADAPTERS_MODEM_MODEM_H

#include <stddef.h>

#include "adapters/modem/chat.h"
#include "adapters/modem/profile.h"

enum {
    CF_MODEM_CALLS_MAX = 8, /* 27.007 knows ids 1 to 7 */
    CF_MODEM_NUMBER_MAX = 64,
    CF_MODEM_DIGITS_MAX = 64,
    CF_MODEM_CAUSE_MAX = 24,
};

struct cf_modem_config {
    const struct cf_modem_profile *profile;
    const char *init; /* NULL: the profile's */
    const char *pin;  /* NULL: none */
    bool numeric;
    bool voice;            /* ATD with a semicolon unless the application says data */
    bool waiting_releases; /* answering a waiting call releases the active one instead of holding it */
    int64_t command_ns, dial_ns, settle_ns, guard_ns;
    int64_t poll_ns;   /* between two AT+CLCC */
    int64_t ring_ns;   /* without RING an unanswered call is over */
    int64_t linger_ns; /* DISCONNECTED to IDLE */
    int64_t reply_ns;  /* an ATD that got no error for so long has succeeded as a command */
    int64_t late_ns;   /* for so long after its end a call may still be spoken of */
};

enum cf_modem_phase {
    CF_MODEM_FREE,
    CF_MODEM_RINGING,  /* came in, not answered */
    CF_MODEM_DIALLING, /* ATD queued or in the modem */
    CF_MODEM_CALLING,  /* ATD was obeyed, not answered yet */
    CF_MODEM_UP,       /* answered: active, on hold, in a conference */
    CF_MODEM_ASKING,   /* over; its cause was asked for */
    CF_MODEM_OVER,     /* DISCONNECTED was told, IDLE not yet */
};

/* A command of the core that waits for its reply. */
struct cf_modem_order {
    bool waits;
    uint64_t number;
};

struct cf_modem_call {
    enum cf_modem_phase phase;
    uint32_t serial; /* names this call among all that were in this place */
    uint64_t user;   /* what offer() or dialled() returned; 0: nobody hears of it */
    uint32_t state, mode;
    uint8_t id; /* of +CLCC, 0: not known yet */
    bool incoming, waiting, data, alerted, connected, barred, remote_held, forwarded;
    bool answering, dropping;
    bool bearer_known; /* the modem said voice or data */
    bool withheld;     /* the caller does not want to be known */
    bool proven;       /* a list without it was seen: its id is free for another */
    bool try_again;    /* nobody heard for want of room: offered again with the next RING */
    uint8_t absent;    /* lists in a row without it */
    uint8_t hang_ups;  /* commands to end it */
    uint64_t born;     /* commands that had been sent then: an answer to an earlier one knows nothing of it */
    uint32_t rings;
    int64_t ring_due, over_due;
    unsigned cause;           /* of +CEER or ^CEND */
    enum cf_at_result result; /* that ended it */
    struct cf_modem_order make, answer, drop, digits;
    char number[CF_MODEM_NUMBER_MAX], name[CF_MODEM_NUMBER_MAX]; /* of the other party */
    char connected_number[CF_MODEM_NUMBER_MAX];
    char to_send[CF_MODEM_DIGITS_MAX + 1]; /* digits */
    uint8_t sent;
};

struct cf_modem_row {
    uint8_t id, stat;
    bool incoming, multiparty, data;
    char number[CF_MODEM_NUMBER_MAX], name[CF_MODEM_NUMBER_MAX];
};

enum cf_modem_holding {
    CF_MODEM_HOLD,
    CF_MODEM_UNHOLD,
    CF_MODEM_TAKE_WAITING,
    CF_MODEM_TAKE_WAITING_RELEASE,
};

/* Called from within the functions below, which they must not call. */
struct cf_modem_callbacks {
    void (*write)(void *context, const char *bytes, uint32_t len);
    /* A call that was not known before. Returns what names it, 0: it cannot be told. */
    uint64_t (*offer)(void *context, const struct cf_modem_call *call);
    /* A call that the core asked for: its name for reply(), 0: there is none left. */
    uint64_t (*dialled)(void *context, const struct cf_modem_call *call);
    void (*state)(void *context, const struct cf_modem_call *call, const char *cause); /* cause: NULL or text */
    void (*info)(void *context, const struct cf_modem_call *call, uint32_t info_states);
    void (*ringing)(void *context, uint32_t count);
    void (*service)(void *context, bool in_service);
    void (*reply)(void *context, uint64_t number, int32_t result, uint64_t user);
    void (*dead)(void *context); /* it does not answer any more: close the device */
    void *context;
};

struct cf_modem {
    struct cf_modem_config config;
    struct cf_modem_callbacks callbacks;
    struct cf_modem_counters counters;
    struct cf_chat chat;
    int64_t now;
    uint32_t serials;
    bool open, service, registered, pin_given, pin_wanted;
    bool others;     /* the last list had rows that are no voice calls */
    bool poll_again; /* something happened while a list was being read */
    int64_t poll_due;
    int64_t quiet;                          /* before it RING and +CCWA belong to a call that was hung up */
    int64_t quiet_rings;                    /* before it RING belongs to one that was answered */
    int64_t forwarded_until;                /* +CSSU 0: the next call was forwarded */
    int64_t dead_until[CF_MODEM_CALLS_MAX]; /* by id: rows of a call that has ended; 0: of one whose id was not known */
    uint64_t list_number;                   /* of the commands sent, the one whose rows these are */
    uint32_t rows_count;
    struct cf_modem_row rows[CF_MODEM_CALLS_MAX];
    struct {
        bool busy;
        enum cf_modem_holding what;
        uint32_t serial;
        struct cf_modem_order order;
    } holding;
    struct cf_modem_call calls[CF_MODEM_CALLS_MAX];
};

void cf_modem_init(struct cf_modem *m, const struct cf_modem_config *config,
                   const struct cf_modem_callbacks *callbacks);

/* The device was opened; it is gone: its calls end. */
void cf_modem_opened(struct cf_modem *m, int64_t now);
void cf_modem_vanished(struct cf_modem *m, int64_t now);

void cf_modem_receive(struct cf_modem *m, const uint8_t *bytes, uint32_t len, int64_t now);

/* Does what is due. Returns when to come back. */
int64_t cf_modem_tick(struct cf_modem *m, int64_t now);

/* ------------------------------------------------------------------ commands of the core */

/* Replied to through reply(), at once or later. number: of the command. call: NULL is replied to with INVALCALLSTATE. */
void cf_modem_make_call(struct cf_modem *m, uint64_t number, const char *destination, uint32_t len,
                        uint32_t media_modes, int64_t now);
void cf_modem_accept(struct cf_modem *m, struct cf_modem_call *call, uint64_t number, int64_t now);
void cf_modem_answer(struct cf_modem *m, struct cf_modem_call *call, uint64_t number, int64_t now);
void cf_modem_drop(struct cf_modem *m, struct cf_modem_call *call, uint64_t number, int64_t now);
void cf_modem_hold(struct cf_modem *m, struct cf_modem_call *call, uint64_t number, bool hold, int64_t now);
void cf_modem_digits(struct cf_modem *m, struct cf_modem_call *call, uint64_t number, uint32_t digit_mode,
                     const char *digits, uint32_t len, int64_t now);

/* Nobody has the call any more: it is hung up, and nothing more is said of it. */
void cf_modem_forget(struct cf_modem *m, struct cf_modem_call *call, int64_t now);

/* The core that gave the orders is gone: none of them is replied to any more. A call that was not dialled yet is hung up. */
void cf_modem_void_orders(struct cf_modem *m, int64_t now);

/* Hangs up every call, because the program ends. */
void cf_modem_hang_up_all(struct cf_modem *m, int64_t now);

/* The core did not take the call: it goes on, unheard. again: for want of room, so try with the next RING. */
void cf_modem_refused(struct cf_modem *m, struct cf_modem_call *call, bool again);

/* Offers the unheard calls: somebody listens now. */
void cf_modem_offer_unheard(struct cf_modem *m, int64_t now);

/* The live call with that serial, NULL when it is over. */
struct cf_modem_call *cf_modem_find(struct cf_modem *m, uint32_t serial);

/* In the modem: rings, is dialled, is up. */
bool cf_modem_call_is_live(const struct cf_modem_call *call);

/* Calls in the modem. */
uint32_t cf_modem_live(const struct cf_modem *m);

/* All invariants. No side effects. */
bool cf_modem_check(const struct cf_modem *m, char *why, size_t why_bytes);

#endif
